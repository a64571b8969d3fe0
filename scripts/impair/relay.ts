//! Stands between the two nodes on every link and carries their datagrams, well or badly: a program of
//! its own, so that nothing but what it was told delays them. It has sockets in two network
//! namespaces: in the one that faces node a it is node b, and the other way round. Neither node can
//! tell it from a cable.
//! Usage: node relay.ts OPTIONS-AS-JSON; orders and their answers are lines of JSON.
import { createSocket, type Socket } from 'node:dgram'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import koffi from 'koffi'
import { chance, fate, type Impairment, unimpaired, withWrongBit } from './impairment.ts'
import type { Direction, RelayCounters, RelayOptions, RelayOrder } from './relay-orders.ts'

const newNetwork = 0x40000000
const receiveBufferBytes = 4_194_304

const setns = koffi.load('libc.so.6').func('int setns(int fd, int kind)')

/** A socket belongs for ever to the namespace in which it was bound. */
async function boundIn(namespace: string, address: string, port: number): Promise<Socket> {
  if (setns(openSync(`/run/netns/${namespace}`, 'r'), newNetwork) !== 0) {
    throw new Error(`no entry into ${namespace}`)
  }
  const socket = createSocket('udp4')
  // A node that is down answers with ICMP; that is no reason to end.
  socket.on('error', () => undefined)
  await new Promise<void>((bound) => socket.bind(port, address, bound))
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
  } catch {
    // The kernel's own size serves as well.
  }
  return socket
}

const options = JSON.parse(process.argv[2] ?? '{}') as RelayOptions
const random = chance(options.seed)
const impairments = new Map<string, Impairment>()
const counters = new Map<string, RelayCounters>()

function carry(key: string, bytes: Buffer, send: (copy: Uint8Array) => void): void {
  const copies = fate(impairments.get(key) ?? unimpaired, bytes.length, random)
  const count = counters.get(key) ?? { carried: 0, lost: 0, duplicated: 0, corrupted: 0 }
  counters.set(key, count)
  if (copies.length === 0) count.lost += 1
  if (copies.length > 1) count.duplicated += 1
  for (const { delayMs, wrongBit } of copies) {
    count.carried += 1
    if (wrongBit !== null) count.corrupted += 1
    const copy = wrongBit === null ? bytes : withWrongBit(bytes, wrongBit)
    if (delayMs < 1) send(copy)
    else setTimeout(() => send(copy), delayMs)
  }
}

for (const { name, a, b } of options.links) {
  for (const port of options.ports) {
    const towardsA = await boundIn(options.namespaces.a, b, port)
    const towardsB = await boundIn(options.namespaces.b, a, port)
    const join = (direction: Direction, from: Socket, to: Socket, address: string) =>
      from.on('message', (bytes) =>
        carry(`${name} ${direction}`, bytes, (copy) => to.send(copy, port, address)),
      )
    join('a-b', towardsA, towardsB, b)
    join('b-a', towardsB, towardsA, a)
  }
}
process.stdout.write('relaying\n')

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as RelayOrder
  for (const { link, direction, impairment } of order.changes) {
    impairments.set(`${link} ${direction}`, impairment)
  }
  const answer = { ref: order.ref, counters: Object.fromEntries(counters) }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
process.exit(0)
