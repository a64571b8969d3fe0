//! The control server on a real socket: rights, hostile clients, bounds, and the end.
import { once } from 'node:events'
import { chmod, lstat, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import type { LogLine } from '../../src/control/api.ts'
import { LineReader } from '../../src/control/lines.ts'
import { answerLog } from '../../src/control/log-verb.ts'
import { type ControlServerOptions, startControlServer } from '../../src/control/server.ts'
import { LogTail } from '../../src/oam/log-tail.ts'
import { failure, success } from '../../src/result.ts'
import { refusingHandlers } from './refusing-handlers.ts'

let directory: string
let count = 0
test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vccs-control-'))
})
test.after.always(() => rm(directory, { recursive: true }))

const handlers: ControlServerOptions['handlers'] = {
  ...refusingHandlers,
  version: async () => success({ node: 'vccs-a', version: '0.1.0', runtime: 'v24' }),
}

/** The server ends with its test, also with one that fails. */
async function start(t: ExecutionContext, options: Partial<ControlServerOptions> = {}) {
  count += 1
  const path = join(directory, `${count}.sock`)
  const started = await startControlServer({
    path,
    handlers,
    askPeer: async () => failure('peer-unreachable', 'nobody there'),
    onDefect: (text) => t.fail(text),
    ...options,
  })
  if (!started.ok) throw new Error(started.failure.detail)
  t.teardown(() => started.value.close())
  return { path: options.path ?? path, ...started.value }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.on('error', reject)
  })
}

/** Everything that comes until the server ends the connection, as parsed lines. */
async function answers(
  socket: Socket,
): Promise<{ id: unknown; error?: { data: { code: string } } }[]> {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  await new Promise<void>((resolve) => {
    socket.once('error', () => resolve())
    socket.once('close', () => resolve())
    socket.once('end', () => socket.end())
  })
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const ask = (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"version","params":{}}\n`

async function serves(path: string): Promise<boolean> {
  const socket = await open(path)
  socket.end(ask(1))
  const [answer] = await answers(socket)
  return answer?.id === 1 && answer.error === undefined
}

test('the socket has mode 0660, answers a half-closed client, and goes with the server', async (t) => {
  const { path, close } = await start(t)
  t.is((await stat(path)).mode & 0o777, 0o660)
  t.true(await serves(path))
  await close()
  await t.throwsAsync(lstat(path), { code: 'ENOENT' })
})

test('the user at the other end is told by the kernel, whatever the client says', async (t) => {
  const seen: unknown[] = []
  const { path } = await start(t, {
    handlers: {
      ...handlers,
      version: async (_params, { caller }) => {
        seen.push(caller)
        return success({ node: 'vccs-a', version: '0.1.0', runtime: 'v24' })
      },
    },
  })
  const socket = await open(path)
  const answered = answers(socket)
  socket.end('{"jsonrpc":"2.0","id":1,"method":"version"}\n')
  await answered
  t.deepEqual(seen, [{ via: 'local', user: userInfo().username }])
})

test('a stale socket is replaced; a living one and other files are not', async (t) => {
  const path = join(directory, 'stale.sock')
  const first = await start(t, { path })
  const second = await startControlServer({ path, handlers, askPeer: refuse, onDefect: () => {} })
  t.false(second.ok)
  t.true(await serves(path))
  await first.close()
  // A daemon that was killed leaves its socket behind.
  const killed = createServer()
  killed.listen(`${path}.old`)
  await once(killed, 'listening')
  killed.on('error', () => undefined)
  await (await import('node:fs/promises')).link(`${path}.old`, path)
  await new Promise((resolve) => killed.close(resolve))
  const third = await start(t, { path })
  t.true(await serves(path))
  await third.close()
  await writeFile(path, 'a file')
  const fourth = await startControlServer({ path, handlers, askPeer: refuse, onDefect: () => {} })
  t.deepEqual(fourth, failure('control-socket', `${path}: exists and is not a socket`))
  const missing = join(directory, 'none', 'c.sock')
  const fifth = await startControlServer({
    path: missing,
    handlers,
    askPeer: refuse,
    onDefect: () => {},
  })
  t.false(fifth.ok)
  const long = await startControlServer({
    path: `/tmp/${'x'.repeat(120)}`,
    handlers,
    askPeer: refuse,
    onDefect: () => {},
  })
  t.regex(long.ok ? '' : long.failure.detail, /longer than 107 bytes/)
})

async function refuse() {
  return failure('peer-unreachable', 'nobody there')
}

test('requests on one connection are answered with their own id, however they are cut', async (t) => {
  const { path } = await start(t)
  const socket = await open(path)
  const bytes = Buffer.from([1, 2, 3].map(ask).join('\n'))
  for (const byte of bytes) {
    socket.write(Uint8Array.of(byte))
  }
  socket.end()
  t.deepEqual(new Set((await answers(socket)).map(({ id }) => id)), new Set([1, 2, 3]))
})

test('a line that is too long is answered and the connection ends', async (t) => {
  const { path, counters } = await start(t, { frameBytesMax: 1_000 })
  const socket = await open(path)
  socket.write('x'.repeat(5_000))
  const [answer] = await answers(socket)
  t.is(answer?.error?.data.code, 'control-too-long')
  t.is(counters.tooLong, 1)
  t.true(await serves(path))
})

test('many half-written lines do not fill the memory', async (t) => {
  const { path, counters } = await start(t, { frameBytesMax: 1_000 })
  const sockets = await Promise.all([open(path), open(path), open(path)])
  const ended = Promise.race(sockets.map(answers))
  for (const socket of sockets) socket.write('x'.repeat(900))
  const [answer] = await ended
  t.is(answer?.error?.data.code, 'control-busy')
  t.is(counters.refused, 1)
  for (const socket of sockets) socket.destroy()
})

test('one connection more than allowed is told so; a place that is free again is given', async (t) => {
  const { path } = await start(t, { connectionsMax: 2 })
  const held = [await open(path), await open(path)]
  const third = await open(path)
  const [answer] = await answers(third)
  t.is(answer?.error?.data.code, 'control-busy')
  const gone = new Promise((resolve) => held[0]?.once('close', resolve))
  held[0]?.end()
  await gone
  t.true(await serves(path))
  held[1]?.destroy()
})

test('more requests at once than a connection may have are refused, the others answered', async (t) => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const version = async () => {
    await gate
    return success({ node: 'vccs-a', version: '0.1.0', runtime: 'v24' })
  }
  const { path } = await start(t, { handlers: { ...handlers, version } })
  const socket = await open(path)
  const all = answers(socket)
  socket.once('data', () => release())
  socket.end(Array.from({ length: 20 }, (_, id) => ask(id)).join(''))
  const codes = (await all).map(({ error }) => error?.data.code)
  t.is(codes.filter((code) => code === undefined).length, 16)
  t.is(codes.filter((code) => code === 'control-busy').length, 4)
})

test('an idle connection is ended, a follower of the log is not', async (t) => {
  const tail = new LogTail()
  const { path, counters } = await start(t, {
    // Long enough for a request to be read on a busy machine.
    idleMs: 400,
    handlers: { ...handlers, log: (params, context) => answerLog(tail, params, context) },
  })
  const follower = await open(path)
  const lines: LogLine[] = []
  const answered = new Promise((resolve) => follower.once('data', resolve))
  const second = new Promise<void>((resolve) => {
    follower.setEncoding('utf8')
    follower.on('data', (chunk: string) => {
      for (const line of chunk.trim().split('\n')) {
        const { method, params } = JSON.parse(line)
        if (method === 'log.line') lines.push(params)
      }
      if (lines.length === 1) resolve()
    })
  })
  follower.write('{"jsonrpc":"2.0","id":1,"method":"log","params":{"follow":true}}\n')
  await answered
  const idle = await open(path)
  await answers(idle)
  t.is(counters.idle, 1)
  tail.push({ level: 'warn', unit: 'pair', text: 'link net-b down', fields: {} }, 0)
  await second
  t.is(lines[0]?.text, 'link net-b down')
  follower.destroy()
})

test('a follower that does not read loses lines, not the memory of the daemon', async (t) => {
  const tail = new LogTail()
  const { path, counters } = await start(t, {
    handlers: { ...handlers, log: (params, context) => answerLog(tail, params, context) },
  })
  const follower = await open(path)
  const answered = new Promise((resolve) => follower.once('data', resolve))
  follower.write('{"jsonrpc":"2.0","id":1,"method":"log","params":{"follow":true}}\n')
  await answered
  follower.pause()
  const text = 'x'.repeat(2_000)
  for (let i = 0; i < 2_000; i += 1) {
    tail.push({ level: 'info', unit: 'switch', text, fields: {} }, 0)
  }
  t.true(counters.dropped > 0)
  t.true(await serves(path))
  follower.destroy()
})

test('random bytes never end the server', async (t) => {
  const { path } = await start(t, { frameBytesMax: 2_000 })
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(`${text}\n`)),
    fc.constantFrom('\n', '\r\n', '\0', '{', ask(1), '{"jsonrpc":"2.0"}\n').map(Buffer.from),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const socket = await open(path)
      const all = answers(socket)
      for (const bytes of pieces) socket.write(bytes)
      socket.end()
      // Every line that comes back is JSON; answers() has parsed it.
      await all
    }),
    { numRuns: 60 },
  )
  t.true(await serves(path))
})

test('without the right to the directory the refusal says so', async (t) => {
  const closed = join(directory, 'file')
  await writeFile(closed, '')
  await chmod(closed, 0o600)
  const path = join(closed, 'c.sock')
  const started = await startControlServer({ path, handlers, askPeer: refuse, onDefect: () => {} })
  t.is(started.ok ? '' : started.failure.code, 'control-socket')
})

test('lines are the same however the bytes are cut', (t) => {
  const line = fc.string({ maxLength: 40 }).map((text) => text.replaceAll('\n', ' '))
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 30 })), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      const reader = new LineReader(1_000)
      const found: unknown[] = []
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        const some = reader.push(bytes.subarray(at, at + cut))
        if (some === 'too-long') throw new Error('not so long')
        found.push(...some)
        at = Math.min(bytes.length, at + cut)
      }
      t.deepEqual(found, bytes.toString('utf8').split('\n').slice(0, -1))
      t.is(reader.heldBytes, 0)
    }),
  )
})
