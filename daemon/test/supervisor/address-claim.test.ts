//! ARP for a service address that floats: who says what, when, and when nobody says anything.
import test from 'ava'
import { limits } from '../../src/limits.ts'
import { AddressClaim } from '../../src/supervisor/address-claim.ts'
import { type ArpPacket, broadcastMac, decodeArp, encodeArp, noMac } from '../../src/wire/arp.ts'

const address = '10.90.0.10'
const mac = '02:00:00:00:00:0a'
const other = { senderMac: '02:00:00:00:00:0b', senderIp: '10.90.0.101' }
const leaseMs = 500
const forEver = Number.MAX_SAFE_INTEGER

/** @param untilMs how long pair lends the role. */
function claim(untilMs = forEver): AddressClaim {
  const one = new AddressClaim({ address, mac })
  one.lent(untilMs, 0)
  return one
}

function read(frames: readonly Uint8Array[]): (ArpPacket | null)[] {
  return frames.map((frame) => decodeArp(frame))
}

function asks(targetIp: string, sender = other): Uint8Array {
  const packet = { operation: 'request', ...sender, targetMac: noMac, targetIp } as const
  return encodeArp(packet, broadcastMac)
}

const gratuitous = [
  { operation: 'request', senderMac: mac, senderIp: address, targetMac: noMac, targetIp: address },
  {
    operation: 'reply',
    senderMac: mac,
    senderIp: address,
    targetMac: broadcastMac,
    targetIp: address,
  },
]

test('a new primary says both forms of a gratuitous ARP at once, and again', (t) => {
  const one = claim()
  const first = one.told(true, 1_000)
  t.deepEqual(read(first), gratuitous)
  t.deepEqual(
    first.map((frame) => Buffer.from(frame.subarray(0, 14)).toString('hex')),
    Array(2).fill('ffffffffffff02000000000a0806'),
    'to everybody, from the own MAC, as ARP',
  )
  const saidAt: number[] = []
  for (let nowMs = 1_001; nowMs < 4_000; nowMs++) {
    if (nowMs % 100 === 0) t.deepEqual(one.told(true, nowMs), [], 'the role again changes nothing')
    if (nowMs % 90 === 0) t.deepEqual(one.lent(nowMs + leaseMs, nowMs), [])
    if (one.advance(nowMs).length > 0) saidAt.push(nowMs - 1_000)
  }
  const { arpAnnounceMs } = limits
  t.deepEqual(saidAt, [10, 30, 100, 300, 1_100, 1_100 + arpAnnounceMs])
})

test('only the primary answers, to the asker, with its own MAC', (t) => {
  const one = claim()
  t.deepEqual(one.heard(asks(address), 0), [], 'a node that has just started is silent')
  one.told(true, 0)
  const [answer, ...more] = one.heard(asks(address), 1)
  t.deepEqual(more, [])
  const { senderMac: targetMac, senderIp: targetIp } = other
  t.deepEqual(decodeArp(answer ?? new Uint8Array()), {
    operation: 'reply',
    senderMac: mac,
    senderIp: address,
    targetMac,
    targetIp,
  })
  t.is(Buffer.from(answer?.subarray(0, 6) ?? []).toString('hex'), '02000000000b')
  t.deepEqual(one.heard(asks('10.90.0.11'), 2), [], 'other addresses are no business of ours')
  t.is(one.heard(asks(address, { ...other, senderIp: '0.0.0.0' }), 3).length, 1, 'a probe, too')
  t.is(one.answered, 2)
  one.told(false, 4)
  t.deepEqual(one.heard(asks(address), 5), [], 'a standby is silent')
  t.deepEqual(one.advance(10_000), [])
})

test('without a heartbeat of the pair unit the right to answer ends in time', (t) => {
  const one = claim(leaseMs)
  t.is(one.told(true, 0).length, 2)
  t.is(one.heard(asks(address), leaseMs - 1).length, 1)
  t.deepEqual(one.heard(asks(address), leaseMs), [], 'the peer may serve from now on')
  t.false(one.isOpen)
  t.deepEqual(one.advance(leaseMs + limits.arpAnnounceMs), [], 'a node that was stopped is silent')
  t.deepEqual(one.told(true, 2_000), [], 'words that waited unread change nothing')
  t.deepEqual(one.lent(leaseMs + 100, 2_000), [])
  t.is(one.lent(2_000 + leaseMs, 2_001).length, 2, 'it claims again when it is lent the role')
})

test('a role is claimed at once when the lease runs, and with the lease when not', (t) => {
  const running = claim(leaseMs)
  t.deepEqual(running.told(false, 10), [])
  t.is(running.told(true, 20).length, 2)
  const late = claim(5)
  t.deepEqual(late.told(true, 20), [])
  t.is(late.lent(20 + leaseMs, 21).length, 2)
  t.deepEqual(late.told(false, 22), [])
  t.deepEqual(late.lent(22 + leaseMs, 23), [], 'a standby is lent its role, too')
})

test('a wrong claim is answered at once, and two that defend themselves do not fill the LAN', (t) => {
  const one = claim()
  one.told(true, 0)
  const wrong = asks(address, { senderMac: other.senderMac, senderIp: address })
  t.deepEqual(read(one.heard(wrong, 5)), gratuitous)
  let answers = 0
  for (let nowMs = 6; nowMs < 5 + limits.arpDefendMs; nowMs++) {
    answers += one.heard(wrong, nowMs).length
  }
  t.is(answers, 0)
  t.is(one.heard(wrong, 5 + limits.arpDefendMs).length, 2)
  t.true(one.conflicts > 2)
  const own = asks(address, { senderMac: mac, senderIp: address })
  const before = one.conflicts
  t.deepEqual(one.heard(own, 900), [], 'our own frame that comes back is no claim of another')
  t.is(one.conflicts, before)
})

test('what is no ARP for IPv4 on Ethernet is none', (t) => {
  const good = asks(address)
  t.not(decodeArp(good), null)
  for (const [at, value] of [
    [12, 0x86],
    [15, 2],
    [16, 0x86],
    [18, 8],
    [19, 16],
    [21, 3],
    [21, 0],
  ] as const) {
    const bad = good.slice()
    bad[at] = value
    t.is(decodeArp(bad), null, `byte ${at}`)
  }
  t.is(decodeArp(good.subarray(0, 41)), null)
  t.is(decodeArp(new Uint8Array(0)), null)
})
