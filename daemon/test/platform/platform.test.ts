//! Sockets, files, locks and the log, as the other rooms rely on them.

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { BusMessage } from '../../src/bus/messages.ts'
import { readFileBytes, replaceFile } from '../../src/platform/files.ts'
import { KeptFile } from '../../src/platform/kept-file.ts'
import { takeDirectoryLock } from '../../src/platform/lock.ts'
import { openLog } from '../../src/platform/log.ts'
import { commandLine, putHelpersBehind, runTool } from '../../src/platform/process.ts'
import { type BusAddress, type BusPeer, connectBus, listenBus } from '../../src/platform/stream.ts'
import { openDatagram } from '../../src/platform/udp.ts'
import { filterProgram } from '../../src/switching/flood/source-filter.ts'

const hello: BusMessage = { kind: 'hello', unit: 'media', pid: 1, version: 1 }

function directoryOf(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-platform-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function serve(t: ExecutionContext, address: BusAddress, onPeer: (peer: BusPeer) => void) {
  const server = await listenBus({ address }, onPeer)
  if (!server.ok) throw new Error(server.failure.detail)
  t.teardown(() => server.value.close())
  return server.value
}

for (const transport of ['unix', 'tcp'] as const) {
  test(`the bus carries messages both ways over ${transport}`, async (t) => {
    const path = join(directoryOf(t), 'pair.sock')
    const address: BusAddress =
      transport === 'unix' ? { transport, path } : { transport, host: '127.0.0.1', port: 15_790 }
    await serve(t, address, (peer) => peer.onMessage((message) => peer.send(message)))
    const echoed = await new Promise<BusMessage>((resolve) => {
      const client = connectBus({
        address,
        hello,
        onOpen: (peer) => peer.onMessage(resolve),
      })
      t.teardown(() => client.close())
    })
    t.deepEqual(echoed, hello)
    if (transport === 'unix') t.is(statSync(path).mode & 0o777, 0o600)
  })
}

test('a client comes back when its server does, and says hello again', async (t) => {
  const address: BusAddress = { transport: 'unix', path: join(directoryOf(t), 's') }
  const greeted = () => {
    let server: Awaited<ReturnType<typeof serve>> | undefined
    return new Promise<() => Promise<void>>((resolve, reject) => {
      const listening = serve(t, address, (peer) => {
        peer.onMessage(() => resolve(async () => server?.close()))
      })
      listening.then((one) => {
        server = one
      }, reject)
    })
  }
  let closed: (reason: string) => void = () => undefined
  const lost = new Promise<string>((resolve) => {
    closed = resolve
  })
  const first = greeted()
  const client = connectBus({
    address,
    hello,
    retryMs: 5,
    onOpen: () => undefined,
    onClose: (reason) => closed(reason),
  })
  t.teardown(() => client.close())
  await (await first)()
  t.is(await lost, 'connection closed')
  t.false(client.send(hello), 'nothing is promised without a connection')
  await greeted()
  t.true(client.connected)
})

test('a socket file that nobody serves is replaced, one that is served is not', async (t) => {
  const directory = directoryOf(t)
  const address: BusAddress = { transport: 'unix', path: join(directory, 's') }
  await serve(t, address, () => undefined)
  const second = await listenBus({ address }, () => undefined)
  t.is(second.ok ? '' : second.failure.code, 'bus-in-use')
  // A socket file without a server, as SIGKILL leaves it: renamed away before its server closes.
  const stale = join(directory, 'stale')
  const dead = createServer()
  dead.listen(join(directory, 'dead'))
  await once(dead, 'listening')
  dead.on('error', () => undefined)
  const { linkSync } = await import('node:fs')
  linkSync(join(directory, 'dead'), stale)
  await new Promise((resolve) => dead.close(resolve))
  await serve(t, { transport: 'unix', path: stale }, () => undefined)
  writeFileSync(join(directory, 'file'), '')
  const file = { transport: 'unix', path: join(directory, 'file') } as const
  const third = await listenBus({ address: file }, () => undefined)
  t.is(third.ok ? '' : third.failure.code, 'bus-in-use')
  t.true(statSync(file.path).isFile(), 'a file of another kind is not removed')
})

test('a peer that breaks the frame is cut off', async (t) => {
  const path = join(directoryOf(t), 's')
  const closed = Promise.withResolvers<string>()
  await serve(t, { transport: 'unix', path }, (peer) => peer.onClose(closed.resolve))
  const socket = connect(path, () => socket.write(Buffer.alloc(16, 0xff)))
  socket.on('error', () => undefined)
  t.is(await closed.promise, 'broken frame: too-long')
})

test('a peer that does not read is cut off, and its queue is bounded', async (t) => {
  const path = join(directoryOf(t), 's')
  const connected = Promise.withResolvers<BusPeer>()
  await serve(t, { transport: 'unix', path }, connected.resolve)
  const socket = connect(path)
  socket.on('error', () => undefined)
  socket.pause()
  t.teardown(() => socket.destroy())
  const peer = await connected.promise
  let reason = ''
  peer.onClose((why) => {
    reason = why
  })
  const big: BusMessage = { kind: 'flushed', ref: 1, ok: true, detail: 'x'.repeat(500_000) }
  let sent = 0
  while (peer.send(big)) sent += 1
  t.is(reason, 'the peer does not read')
  t.true(sent < 20)
})

for (const kind of ['pair', 'sip'] as const) {
  test(`a burst of 100 datagrams arrives whole on a ${kind} socket`, async (t) => {
    const received: number[] = []
    let done: () => void = () => undefined
    const all = new Promise<void>((resolve) => {
      done = resolve
    })
    const options = { address: '127.0.0.1', port: 0, kind, onError: (text: string) => t.log(text) }
    const onDatagram = (bytes: Uint8Array) => {
      received.push(bytes[0] ?? -1)
      if (received.length === 100) done()
    }
    const [a, b] = await Promise.all([
      openDatagram({ ...options, onDatagram }),
      openDatagram({ ...options, onDatagram: () => undefined }),
    ])
    if (!a.ok || !b.ok) return t.fail()
    t.teardown(() => Promise.all([a.value.close(), b.value.close()]))
    for (let n = 0; n < 100; n++) b.value.send(Uint8Array.of(n), a.value.port, '127.0.0.1')
    await all
    t.deepEqual(
      received,
      Array.from({ length: 100 }, (_, n) => n),
    )
    const taken = await openDatagram({ ...options, port: a.value.port, onDatagram })
    t.is(taken.ok ? '' : taken.failure.code, 'socket-failed')
  })
}

test('the kernel drops what a filter of the flood gate says, until it is taken away', async (t) => {
  let heard: string[] = []
  let done: () => void = () => undefined
  const listener = await openDatagram({
    address: '0.0.0.0',
    port: 0,
    kind: 'sip',
    onDatagram: (_bytes, { address }) => {
      heard.push(address)
      if (address === '127.0.0.4') done()
    },
    onError: (text) => t.log(text),
  })
  if (!listener.ok) return t.fail(listener.failure.detail)
  t.teardown(() => listener.value.close())
  const from = async (address: string) => {
    const options = {
      address,
      port: 0,
      kind: 'sip',
      onError: (text: string) => t.log(text),
    } as const
    const sender = await openDatagram({ ...options, onDatagram: () => undefined })
    if (!sender.ok) throw new Error(sender.failure.detail)
    t.teardown(() => sender.value.close())
    return () => sender.value.send(Uint8Array.of(1), listener.value.port, '127.0.0.1')
  }
  const [phone, attacker, end] = [
    await from('127.0.0.2'),
    await from('127.0.0.3'),
    await from('127.0.0.4'),
  ]
  /** How many of a hundred of each are heard. */
  const round = async (): Promise<Record<string, number>> => {
    heard = []
    const whole = new Promise<void>((resolve) => {
      done = resolve
    })
    for (let n = 0; n < 100; n += 1) {
      phone()
      attacker()
    }
    end()
    await whole
    const count = (address: string) => heard.filter((one) => one === address).length
    return { phone: count('127.0.0.2'), attacker: count('127.0.0.3') }
  }
  t.deepEqual(await round(), { phone: 100, attacker: 100 })
  const known = ['127.0.0.2', '127.0.0.4']
  const oneIn = 0xffff_ffff
  for (const rules of [
    { throttled: { addresses: ['127.0.0.3'], oneIn }, others: null },
    { throttled: { addresses: [], oneIn: 64 }, others: { known, oneIn } },
  ]) {
    t.true(listener.value.filter(filterProgram(rules)))
    t.deepEqual(await round(), { phone: 100, attacker: 0 })
  }
  t.false(listener.value.filter(new Uint8Array(8)), 'no program: what was before holds')
  t.deepEqual(await round(), { phone: 100, attacker: 0 })
  t.true(listener.value.filter(null))
  t.deepEqual(await round(), { phone: 100, attacker: 100 })
})

for (const kind of ['pair', 'sip'] as const) {
  test(`a target that is none is an error of that send only, on a ${kind} socket`, async (t) => {
    let failed: (text: string) => void = () => undefined
    const error = new Promise<string>((resolve) => {
      failed = resolve
    })
    const opened = await openDatagram({
      address: '127.0.0.1',
      port: 0,
      kind,
      onDatagram: () => undefined,
      onError: (text) => failed(text),
    })
    if (!opened.ok) return t.fail()
    t.teardown(() => opened.value.close())
    t.notThrows(() => opened.value.send(Uint8Array.of(1), 0, '127.0.0.1'))
    t.regex(await error, /[Pp]ort/)
  })
}

test('a file is replaced as a whole and read within its bound', (t) => {
  const path = join(directoryOf(t), 'term')
  replaceFile(path, 'one')
  replaceFile(path, 'two')
  t.is(readFileSync(path, 'utf8'), 'two')
  const read = readFileBytes(path, 3)
  t.is(read.ok ? read.mode : 0, 0o600)
  t.like(readFileBytes(path, 2), { ok: false, reason: 'too-long' })
  t.like(readFileBytes(`${path}.not`, 2), { ok: false, reason: 'missing' })
})

test('the log is one JSON object a line and is whole after flush', (t) => {
  const file = join(directoryOf(t), 'log')
  const log = openLog({ level: 'info', file, node: 'vccs-a', unit: 'pair' })
  log.debug('not this')
  log.child({ link: 'net-a' }).warn('link silent', { ms: 500 })
  log.flush()
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  t.is(lines.length, 1)
  t.like(JSON.parse(lines[0] ?? ''), {
    level: 'warn',
    node: 'vccs-a',
    unit: 'pair',
    link: 'net-a',
    ms: 500,
    text: 'link silent',
  })
})

test('a line of the log comes without flush, too', async (t) => {
  const file = join(directoryOf(t), 'log')
  openLog({ level: 'info', file, node: 'vccs-a', unit: 'pair' }).info('by itself')
  t.is(readFileSync(file, 'utf8'), '')
  while (readFileSync(file, 'utf8') === '') await new Promise((soon) => setImmediate(soon))
  t.like(JSON.parse(readFileSync(file, 'utf8')), { text: 'by itself' })
})

test('lines that follow each other come by themselves, each once and in order, a warning before the pause', async (t) => {
  const file = join(directoryOf(t), 'log')
  const log = openLog({ level: 'info', file, node: 'vccs-a', unit: 'pair' })
  const told = () => readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const until = async (count: number) => {
    while (told().length < count) await new Promise((soon) => setImmediate(soon))
  }
  log.info('1')
  await until(1)
  log.info('2')
  log.info('3')
  await until(3)
  log.info('4')
  log.warn('5')
  await until(5)
  log.info('6')
  log.flush()
  t.deepEqual(
    told().map((line) => (JSON.parse(line) as { text: string }).text),
    ['1', '2', '3', '4', '5', '6'],
  )
})

test('a directory is locked by one process only', async (t) => {
  const directory = directoryOf(t)
  t.true(await takeDirectoryLock(directory))
  t.false(await takeDirectoryLock(directory))
  t.true(await takeDirectoryLock(directoryOf(t)))
})

test('a tool that is missing is named with its package, a failing one with its words', async (t) => {
  const missing = await runTool({ program: 'no-such-tool', args: [], debianPackage: 'nothing' })
  t.deepEqual(missing.ok ? {} : missing.failure, {
    code: 'tool-missing',
    detail: 'no-such-tool (Debian package nothing)',
  })
  const failing = await runTool({ program: 'ls', args: ['/nowhere'], debianPackage: 'coreutils' })
  t.regex(failing.ok ? '' : failing.failure.detail, /^ls \/nowhere: .*No such file/)
  const reading = await runTool({ program: 'cat', args: [], input: 'in', debianPackage: 'x' })
  t.is(reading.ok ? reading.value : '', 'in')
})

test('a process is known by its command line', (t) => {
  t.truthy(commandLine(process.pid)?.some((one) => one.includes('node')))
  t.is(commandLine(2 ** 22 + 1), null)
})

test('a kept text that cannot be written is tried again, and a newer wish takes its place', async (t) => {
  const written: string[] = []
  const errors: string[] = []
  let left = 3
  const file = new KeptFile('/kept', (text) => errors.push(text), {
    write: async (_path, text) => {
      if (left-- > 0) throw new Error('the disk is full')
      written.push(text)
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  })
  file.keep(() => 'term 1')
  file.keep(() => 'term 2')
  // It does not hold up a stop.
  await file.settled()
  t.is(errors.length, 1)
  while (written.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await file.settled()
  t.deepEqual(written, ['term 2'])
  t.is(errors.length, 3)
})

test('the helper threads of V8 stand behind the thread that serves', (t) => {
  const before = getPriority(process.pid)
  const helpers = putHelpersBehind()
  t.true(helpers.length > 0)
  for (const thread of helpers) t.is(getPriority(thread), Math.min(19, before + 5))
  t.is(getPriority(process.pid), before)
})
