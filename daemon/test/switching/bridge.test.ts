//! Conference resources, the bridge view, and the orders to the media unit.
import test from 'ava'
import fc from 'fast-check'
import { bridges } from '../../src/switching/bridge/bridge.ts'
import { ordersFor } from '../../src/switching/bridge/media-orders.ts'
import { Resources } from '../../src/switching/bridge/resources.ts'
import type { WiredMedia } from '../../src/tables/wired-media.ts'
import { plainLeg } from '../tables/plain-records.ts'
import { Stage, sdp } from './core-stage.ts'

const leg = plainLeg({ eventPayloadType: 101 })

test('a new leg creates its bridge and joins it; a gone leg leaves', (t) => {
  t.deepEqual(ordersFor(undefined, leg), [
    { kind: 'conference-create', conferenceId: 1 },
    { kind: 'member-add', leg },
  ])
  t.deepEqual(ordersFor(leg, undefined), [{ kind: 'member-delete', mediaId: 'm' }])
  t.deepEqual(ordersFor(undefined, undefined), [])
})

test('a changed leg is updated, an equal one is left alone, whatever the order of its keys', (t) => {
  const held: WiredMedia = { ...leg, direction: 'sendonly', controlTick: 9 }
  t.deepEqual(ordersFor(leg, held), [{ kind: 'member-update', leg: held }])
  const turned = Object.fromEntries(Object.entries(leg).reverse()) as WiredMedia
  t.deepEqual(ordersFor(leg, turned), [])
})

test('a record that became another association is taken out and put in', (t) => {
  const next: WiredMedia = { ...leg, ssrc: 99 }
  t.deepEqual(
    ordersFor(leg, next).map((order) => order.kind),
    ['member-delete', 'conference-create', 'member-add'],
  )
})

test('a call is a bridge with two members while it lives', (t) => {
  const stage = new Stage()
  const { a, b } = stage
  a.call('102')
  t.deepEqual(bridges(stage.tables), [])
  b.respond(b.asked('INVITE'), 200, sdp(b.endpoint))
  const [bridge] = bridges(stage.tables)
  t.is(bridge?.conferenceId, 1)
  t.deepEqual(
    bridge?.members.map((member) => [member.user, member.localPort, member.address, member.port]),
    [
      ['101', 20_000, a.endpoint.address, 4_000],
      ['102', 20_002, b.endpoint.address, 4_000],
    ],
  )
  a.ack(a.told(200))
  a.request('BYE')
  t.deepEqual(bridges(stage.tables), [])
})

test('ports and numbers are taken in turn: what was given back rests', (t) => {
  const { tables } = new Stage()
  const resources = new Resources(tables.conferenceResource, { first: 30_001, last: 30_011 })
  const first = resources.take('one', 2)
  t.deepEqual(first, { conferenceId: 1, ports: [30_002, 30_004] })
  resources.giveBack('another session', first ?? { conferenceId: 0, ports: [] })
  t.is(tables.conferenceResource.size, 3)
  if (first !== null) resources.giveBack('one', first)
  t.deepEqual(resources.take('two', 2), { conferenceId: 2, ports: [30_006, 30_008] })
  t.deepEqual(resources.take('three', 2), { conferenceId: 3, ports: [30_010, 30_002] })
  t.is(resources.take('four', 1)?.ports[0], 30_004)
  t.is(resources.take('five', 1), null)
})

test('whatever is taken and given back in whatever order, nothing leaks and nothing is double', (t) => {
  const property = fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (moves) => {
    const { tables } = new Stage()
    const resources = new Resources(tables.conferenceResource, { first: 30_000, last: 30_015 })
    const held: (NonNullable<ReturnType<Resources['take']>> & { by: string })[] = []
    for (const [index, move] of moves.entries()) {
      const taken = move < 6 ? resources.take(`s${index}`, 2) : null
      if (taken !== null) held.push({ ...taken, by: `s${index}` })
      else if (held.length > 0) {
        const [back] = held.splice(move % held.length, 1)
        if (back !== undefined) resources.giveBack(back.by, back)
      }
      const ports = held.flatMap((one) => one.ports)
      if (new Set(ports).size !== ports.length) return false
      if (ports.some((port) => port % 2 === 1)) return false
      if (tables.conferenceResource.size !== 3 * held.length) return false
    }
    return true
  })
  t.notThrows(() => fc.assert(property, { numRuns: 50 }))
})
