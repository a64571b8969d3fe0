//! Asks the daemon over its control socket: one request, one line back; `log` goes on with more.
import { connect, type Socket } from 'node:net'
import type { LogLine, ParamsOf, ResultOf, Verb } from '../../daemon/src/control/api.ts'
import { CliFailure, DaemonFailure, type FailureInfo } from './failure.ts'

export interface Target {
  readonly socket: string
  readonly node: 'self' | 'peer'
}

interface Timing {
  readonly timeoutMs: number
  /** A change that gets no answer may have been made all the same. */
  readonly changes: boolean
}

const readTiming: Timing = { timeoutMs: 5_000, changes: false }
const changeTiming: Timing = { timeoutMs: 30_000, changes: true }
const changing: readonly Verb[] = [
  'switchover',
  'sync-db',
  'config.set',
  'config.apply',
  'release-call',
  'call.release',
  'conference.order',
  'pause',
  'resume',
  'reinit',
  'drill',
]
const answerBytesMax = 16_777_216

/** One request, one answer. Throws `CliFailure`.
 * @param onOperation told the number of the operation as soon as the daemon has one. */
export async function ask<V extends Verb>(
  target: Target,
  verb: V,
  params: ParamsOf<V>,
  onOperation: (id: string) => void = () => undefined,
): Promise<ResultOf<V>> {
  const timing = changing.includes(verb) ? changeTiming : readTiming
  const socket = await open(target.socket)
  const call: Call = { target, verb, params, timing }
  const onNotification = (found: { readonly op?: unknown }) => {
    if (typeof found.op !== 'string' || call.operation !== undefined) return
    call.operation = found.op
    onOperation(found.op)
  }
  try {
    const result = await request(socket, Object.assign(call, { onNotification }))
    return result as ResultOf<V>
  } finally {
    socket.destroy()
  }
}

/** Calls `onLine` for the last lines and then for each new one, until `stop` is aborted. */
export async function follow(
  target: Target,
  params: ParamsOf<'log'>,
  { onLine, stop }: { onLine: (line: LogLine) => void; stop: AbortSignal },
): Promise<void> {
  const socket = await open(target.socket)
  const early: LogLine[] = []
  let answered = false
  const onNotification = (found: object) => {
    const line = found as LogLine
    if (answered) onLine(line)
    else early.push(line)
  }
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const end = () => socket.destroy()
  stop.addEventListener('abort', end)
  try {
    const call = { target, verb: 'log' as const, params, timing: readTiming, onNotification }
    const { lines } = (await request(socket, call)) as ResultOf<'log'>
    for (const line of lines) onLine(line)
    const last = lines.at(-1)?.sequence ?? 0
    for (const line of early) if (line.sequence > last) onLine(line)
    answered = true
    await ended
  } finally {
    stop.removeEventListener('abort', end)
    socket.destroy()
  }
  if (!stop.aborted) throw new CliFailure('daemon-unreachable', 'the daemon ended the connection')
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => reject(openFailure(path, error)))
  })
}

function openFailure(path: string, { code, message }: NodeJS.ErrnoException): CliFailure {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new CliFailure('permission', `You may not use the control socket ${path}`)
    case 'ENOENT':
      return new CliFailure('daemon-unreachable', `The daemon does not run: no socket ${path}`)
    case 'ECONNREFUSED':
      return new CliFailure('daemon-unreachable', `The daemon does not run: nobody at ${path}`)
    default:
      return new CliFailure('daemon-unreachable', `The daemon cannot be asked: ${message}`)
  }
}

interface Call {
  readonly target: Target
  readonly verb: Verb
  readonly params: object
  readonly timing: Timing
  readonly onNotification?: (params: object) => void
  /** Number of the operation, once it was told. */
  operation?: string
}

interface Incoming {
  readonly id?: number | null
  readonly params?: object
  readonly result?: { readonly schema?: string }
  readonly error?: { readonly message: string; readonly data: Omit<FailureInfo, 'message'> }
}

function request(socket: Socket, call: Call): Promise<unknown> {
  const { target, verb, params, timing } = call
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(noAnswer(call)), timing.timeoutMs)
    const settle = (finish: () => void) => {
      clearTimeout(timer)
      finish()
    }
    const onMessage = (message: Incoming) => {
      if (message.id === undefined) {
        if (message.params !== undefined) call.onNotification?.(message.params)
        return
      }
      settle(() => conclude(message, verb, { resolve, reject }))
    }
    readMessages(socket, onMessage, (failure) => settle(() => reject(failure)))
    // After the answer this does nothing: the promise is settled.
    socket.once('close', () => settle(() => reject(cutOff(call))))
    socket.on('error', () => socket.destroy())
    const envelope = target.node === 'self' ? params : { ...params, node: target.node }
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: verb, params: envelope })}\n`)
  })
}

interface Settling {
  resolve(result: unknown): void
  reject(failure: CliFailure): void
}

function conclude(message: Incoming, verb: Verb, { resolve, reject }: Settling): void {
  if (message.error !== undefined) {
    reject(new DaemonFailure({ ...message.error.data, message: message.error.message }))
  } else if (message.result?.schema !== `vccs/${verb}/1`) {
    const said = message.result?.schema ?? 'something else'
    reject(new CliFailure('daemon-version', `The daemon answered ${said}, not vccs/${verb}/1`))
  } else {
    resolve(message.result)
  }
}

function readMessages(
  socket: Socket,
  onMessage: (message: Incoming) => void,
  onFailure: (failure: CliFailure) => void,
): void {
  let held = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (held + chunk).split('\n')
    held = lines.pop() ?? ''
    if (held.length > answerBytesMax) {
      onFailure(new CliFailure('daemon-version', 'The answer of the daemon is too long'))
      socket.destroy()
      return
    }
    for (const line of lines) {
      const message = parse(line)
      if (message !== null) onMessage(message)
      else
        onFailure(new CliFailure('daemon-version', 'The daemon answered something else than JSON'))
    }
  })
}

function parse(line: string): Incoming | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' ? (value as Incoming | null) : null
  } catch {
    return null
  }
}

function noAnswer(call: Call): CliFailure {
  const { verb, timing } = call
  const detail = `No answer to ${verb} within ${timing.timeoutMs / 1_000} s`
  return timing.changes
    ? outcomeUnknown(detail, call)
    : new CliFailure('daemon-unreachable', detail, silentNext)
}

/** Its socket took the question, so that the process is there. */
const silentNext =
  'Run `vccs status` on the other node; when it serves, run `systemctl restart vccsd` here.'

function outcomeUnknown(detail: string, { operation }: Call): CliFailure {
  const next = operation === undefined ? undefined : `Run \`vccs op ${operation}\`, on either node.`
  return new CliFailure('timed-out', `${detail}; whether it was done is unknown`, next)
}

function cutOff(call: Call): CliFailure {
  const { verb, timing } = call
  const detail = `The daemon ended the connection before it answered ${verb}`
  return timing.changes
    ? outcomeUnknown(detail, call)
    : new CliFailure('daemon-unreachable', detail)
}
