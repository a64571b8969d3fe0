//! What a receiver believes of beacons, and what the sender says in them.
import test from 'ava'
import { beaconOf } from '../../src/oam/beacon-content.ts'
import { BeaconWatch } from '../../src/oam/beacon-watch.ts'
import type { Beacon } from '../../src/wire/beacon.ts'
import { healthyStatus } from './status-fixture.ts'

const startedAt = Date.parse('2026-03-14T12:31:02.000Z')

function beacon(change: Partial<Beacon> = {}, atMs = startedAt): Beacon {
  const identity = { boot: '0'.repeat(16), sequence: 1, periodMs: 2_000, tags: {} }
  const content = beaconOf(healthyStatus(), identity)
  if (content === null) throw new Error('the fixture has no role')
  return { ...content, sentAt: new Date(atMs).toISOString(), ...change }
}

const at = (ms: number) => ({ monotonicMs: ms, wallMs: startedAt + ms })

test('the beacon says what the status of the node says', (t) => {
  const tags = { room: 'A1', empty: '' }
  const identity = { boot: 'f'.repeat(16), sequence: 7, periodMs: 2_000, tags }
  const said = beaconOf(healthyStatus(), identity)
  const { nodes, site, alarms } = healthyStatus()
  const self = nodes.find(({ asked }) => asked === 'self')
  t.is(said?.site, site)
  t.is(said?.node, self?.name)
  t.is(said?.role, self?.role ?? undefined)
  t.is(said?.links.length, self?.links.length)
  t.is(said?.service.calls, self?.service?.calls)
  t.is(said?.peer?.role, self?.peerSeen?.role)
  const { critical = 0, urgent = 0, notUrgent = 0, informative = 0 } = said?.alarms ?? {}
  t.is(critical + urgent + notUrgent + informative, alarms.length)
  t.deepEqual(
    said?.extension.map((one) => (typeof one === 'string' ? one : [one.name, one.children])),
    [
      ['room', ['A1']],
      ['empty', []],
    ],
  )
})

test('a node without a role says nothing', (t) => {
  const status = healthyStatus()
  const nodes = status.nodes.map((node) => ({ ...node, role: null }))
  const identity = { boot: 'f'.repeat(16), sequence: 7, periodMs: 2_000, tags: {} }
  t.is(beaconOf({ ...status, nodes }, identity), null)
})

test('a repeated or overtaken beacon is old, a later one is news', (t) => {
  const watch = new BeaconWatch(0, 30_000)
  t.not(watch.take(beacon({ sequence: 5 }), at(0)), null)
  t.is(watch.take(beacon({ sequence: 5 }), at(1)), null)
  t.is(watch.take(beacon({ sequence: 4 }), at(2)), null)
  t.not(watch.take(beacon({ sequence: 6 }), at(3)), null)
  t.deepEqual(watch.counters, { shown: 2, forged: 0, malformed: 0, old: 2 })
})

test('a recording of an ended boot, of an older term or of yesterday is not shown', (t) => {
  const watch = new BeaconWatch(0, 30_000)
  const newest = beacon({ boot: 'b'.repeat(16), sequence: 1, term: 18 }, startedAt + 1_000)
  t.not(watch.take(newest, at(1_000)), null)
  const ended = beacon({ boot: 'a'.repeat(16), sequence: 900, term: 18 }, startedAt + 500)
  t.is(watch.take(ended, at(1_500)), null)
  const formerTerm = beacon({ boot: 'c'.repeat(16), sequence: 1, term: 17 }, startedAt + 2_000)
  t.is(watch.take(formerTerm, at(2_000)), null)
  const yesterday = beacon({ node: 'vccs-b', sequence: 1 }, startedAt - 86_400_000)
  t.is(watch.take(yesterday, at(2_000)), null)
  const restarted = beacon({ boot: 'd'.repeat(16), sequence: 1, term: 18 }, startedAt + 3_000)
  t.not(watch.take(restarted, at(3_000)), null)
})

test('where clocks differ, the age is not judged, but the order is', (t) => {
  const watch = new BeaconWatch(0, Number.POSITIVE_INFINITY)
  t.not(watch.take(beacon({ sequence: 2 }, startedAt - 86_400_000), at(0)), null)
  t.is(watch.take(beacon({ sequence: 1 }, startedAt - 86_400_000), at(1)), null)
})

test('three periods without a primary are silence, whatever else arrives', (t) => {
  const watch = new BeaconWatch(0, 30_000)
  t.is(watch.silentMs(5_999), null)
  t.is(watch.silentMs(6_000), 6_000)
  watch.take(beacon({ sequence: 1 }), at(6_100))
  t.is(watch.silentMs(8_000), null)
  watch.take('forged', at(9_000))
  watch.take('malformed: x', at(9_000))
  watch.take(beacon({ node: 'vccs-b', role: 'standby' }, startedAt + 12_000), at(12_000))
  t.is(watch.silentMs(12_200), 6_100)
  t.is(watch.counters.forged, 1)
  t.is(watch.counters.malformed, 1)
})
