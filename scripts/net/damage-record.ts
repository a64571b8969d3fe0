//! Changes a record in the memory of a running daemon, as a faulty memory would: through the inspector that
//! Node opens at SIGUSR1, so that the daemon itself needs no door for it. Run in the namespace of the node.
//! Arguments: process id of the switch unit, table, key, fields as JSON.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const inspector = 'http://127.0.0.1:9229/json/list'
const attemptsMax = 100
const source = new URL('../../daemon/src/tables/table.ts', import.meta.url)
/** The standby calls it for each table whenever the primary has named its hashes. */
const method = 'hashWithout('

type Values = Record<string, unknown>

interface Remote {
  readonly objectId: string
}

interface Property {
  readonly name: string
  readonly value: Remote
}

class Inspector {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: Values) => void>()
  readonly #events = new Map<string, (params: Values) => void>()
  #id = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      const { id, result, method: event, params, error } = JSON.parse(String(data))
      if (error !== undefined) throw new Error(JSON.stringify(error))
      if (id === undefined) this.#events.get(event)?.(params)
      else this.#waiting.get(id)?.(result)
    }
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = reject
    })
    return new Inspector(socket)
  }

  ask(name: string, params: Values = {}): Promise<Values> {
    const id = ++this.#id
    const answer = new Promise<Values>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method: name, params }))
    return answer
  }

  next(event: string): Promise<Values> {
    return new Promise((resolve) => this.#events.set(event, resolve))
  }

  close(): void {
    this.#socket.close()
  }
}

async function urlOf(pid: number): Promise<string> {
  process.kill(pid, 'SIGUSR1')
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    try {
      const [target] = (await (await fetch(inspector)).json()) as {
        webSocketDebuggerUrl: string
      }[]
      if (target !== undefined) return target.webSocketDebuggerUrl
    } catch {
      // It does not listen yet.
    }
    await delay(50)
  }
  throw new Error(`process ${pid} opens no inspector`)
}

/** Counted from zero; the daemon runs the source as it is, without its types. */
function lineInMethod(): number {
  const lines = readFileSync(source, 'utf8').split('\n')
  return lines.findIndex((line) => line.trimStart().startsWith(method)) + 1
}

const damage = `function (key, fields) {
  const slot = this.find((one) => one.record !== null && one.key === key)
  if (slot === undefined) return false
  slot.record = Object.freeze({ ...slot.record, ...fields })
  return true
}`

async function main(): Promise<void> {
  const [pid, table, key, fields] = process.argv.slice(2)
  const node = await Inspector.open(await urlOf(Number(pid)))
  await node.ask('Debugger.enable')
  const paused = node.next('Debugger.paused')
  const { breakpointId } = await node.ask('Debugger.setBreakpointByUrl', {
    url: source.href,
    lineNumber: lineInMethod(),
    condition: `this.name === ${JSON.stringify(table)}`,
  })
  const [frame] = (await paused).callFrames as { this: Remote }[]
  const { privateProperties } = await node.ask('Runtime.getProperties', {
    objectId: frame?.this.objectId,
    ownProperties: true,
  })
  const slots = (privateProperties as Property[]).find(({ name }) => name === '#slots')
  const { result } = await node.ask('Runtime.callFunctionOn', {
    objectId: slots?.value.objectId,
    functionDeclaration: damage,
    arguments: [{ value: key }, { value: JSON.parse(fields ?? '{}') }],
    returnByValue: true,
  })
  await node.ask('Debugger.removeBreakpoint', { breakpointId })
  await node.ask('Debugger.disable')
  node.close()
  process.stdout.write(`${(result as { value: boolean }).value}\n`)
}

await main()
