//! Bad input of every kind: the malformed corpus, and the same again with bytes changed at random by a
//! seed, so that a failure can be repeated.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../scripts/lab.ts'
import { exited } from '../../scripts/net/processes.ts'

const corpusFolder = join(import.meta.dirname, '../../daemon/test/data/corpus')
const mutationsPerInput = 20

type Kind = 'sip' | 'sdp' | 'rtp' | 'heartbeat' | 'sync' | 'control'

/** All malformed inputs of one kind, each followed by its mutations, which may be well-formed. */
export function corpus(kind: Kind, seed: number): Buffer[] {
  const originals = malformed(kind)
  const random = generator(seed)
  return originals.flatMap((original) => [
    original,
    ...Array.from({ length: mutationsPerInput }, () => mutate(original, random)),
  ])
}

export function malformed(kind: Kind): Buffer[] {
  return kind === 'control' ? controlLines : fromFile(kind)
}

/** The same files that the tests of the parsers read: a name and the bytes in base 64. */
function fromFile(kind: string): Buffer[] {
  const text = readFileSync(join(corpusFolder, kind, 'malformed.json'), 'utf8')
  const inputs = Object.values(JSON.parse(text) as Record<string, string>)
  return inputs.map((input) => Buffer.from(input, 'base64'))
}

const controlLines = [
  '',
  '\n\n\n',
  'GET / HTTP/1.1\r\n\r\n',
  '{"jsonrpc":"2.0","id":1,"method":"status","params":{}',
  '{"jsonrpc":"2.0","id":1,"method":"status","params":[]}\n',
  '{"jsonrpc":"2.0","id":{},"method":"status"}\n',
  '{"jsonrpc":"2.0","id":1,"method":"__proto__","params":{"node":"peer"}}\n',
  '{"jsonrpc":"2.0","id":1,"method":"config.set","params":{"path":"__proto__.x","value":1}}\n',
  '{"jsonrpc":"2.0","id":1,"method":"config.apply","params":{"text":"a: &a [*a, *a]"}}\n',
  `${'['.repeat(50_000)}\n`,
  `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(100_000)}"}\n`,
  '\u0000\u0001\u0002\n',
].map((line) => Buffer.from(line))

/** Numerical Recipes' linear congruential generator: repeatable, and good enough to spoil bytes. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function mutate(original: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(original)
  for (let change = random(4) + 1; change > 0 && bytes.length > 0; change -= 1) {
    bytes[random(bytes.length)] = random(256)
  }
  const isCut = random(4) === 0
  return isCut ? bytes.subarray(0, random(bytes.length + 1)) : bytes
}

export interface Target {
  readonly host: string
  readonly port: number
}

const datagramBytesMax = 1_400

interface Sending {
  readonly member: string
  /** Any of its addresses and ports; default: a port of its own. */
  readonly from?: Target
  readonly everyMs?: number
  /** So many at once, before each pause. */
  readonly burst?: number
}

/** Sends datagrams from the namespace of a member. */
export async function send(
  lab: Lab,
  { member, from, everyMs = 0, burst = 1 }: Sending,
  shots: Iterable<{ readonly target: Target; readonly bytes: Buffer }>,
): Promise<void> {
  const program = join(import.meta.dirname, '../../scripts/net/datagram-sender.ts')
  const sender = lab.programs.start({
    namespace: lab.network.namespace(member),
    command: process.execPath,
    args: [program, ...(from === undefined ? [] : [from.host, String(from.port)])],
  })
  let index = 0
  for (const { target, bytes } of shots) {
    const content = bytes.subarray(0, datagramBytesMax).toString('base64')
    sender.stdin?.write(`${target.host} ${target.port} ${content}\n`)
    if (everyMs > 0 && index % burst === 0) await delay(everyMs)
    index += 1
  }
  sender.stdin?.end()
  const exitCode = await exited(sender)
  if (exitCode !== 0) throw new Error(`the sender ended with ${exitCode}`)
}

interface VoicePath {
  readonly terminal: Target
  readonly service: Target
}

/** Where the voice of a terminal goes, as the kernel of a node knows it. */
export function voicePaths(lab: Lab, terminal: string): VoicePath[] {
  const lines = lab.network.exec('a', ['ss', '-Huna']).split('\n')
  return lines.flatMap((line) => {
    const [here = '', there = ''] = line.trim().split(/\s+/).slice(3, 5)
    const [host = '', port = ''] = there.split(':')
    const service = here.split(':')
    if (host !== terminal || Number(port) % 2 !== 0) return []
    return [
      {
        terminal: { host, port: Number(port) },
        service: { host: service[0] ?? '', port: Number(service[1]) },
      },
    ]
  })
}

/** A SIP INVITE around a session description. */
export function inviteWith(sdp: Buffer, { host, port }: Target, number: number): Buffer {
  const head = [
    `INVITE sip:1002@${host}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 10.90.0.200:5060;branch=z9hG4bKhostile${number}`,
    'Max-Forwards: 70',
    'From: <sip:1001@10.90.0.200>;tag=hostile',
    `To: <sip:1002@${host}>`,
    `Call-ID: hostile${number}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:1001@10.90.0.200>',
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), sdp])
}

/** Writes bytes to a control socket and waits until it is closed or silent for a moment. */
export function pour(socketPath: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    const done = () => {
      socket.destroy()
      resolve()
    }
    socket.on('error', done)
    socket.on('close', done)
    socket.on('data', () => undefined)
    socket.setTimeout(200, done)
    socket.end(bytes)
  })
}
