//! What the media unit tells its switch by itself, on a clock made of slots.
import { join } from 'node:path'
import test from 'ava'
import type { BusMessageOf } from '../../src/bus/messages.ts'
import { openArena } from '../../src/media/arena.ts'
import { MediaUnit } from '../../src/media/unit.ts'
import { FakeSockets, firstTick, legRecord } from './fake-node.ts'

class Standby {
  readonly told: BusMessageOf<'media-statistics'>[] = []
  readonly unit: MediaUnit
  #nowMs = firstTick * 20

  constructor() {
    const arena = openArena(join(import.meta.dirname, '../../build/mixer.wasm'))
    this.unit = new MediaUnit({
      ...{ arena, sockets: new FakeSockets(arena), backend: 'dgram', realtime: false },
      ...{ patienceMs: 500, monotonicMs: () => this.#nowMs, wallMs: () => 0 },
      ...{ pulse: () => undefined, say: () => undefined },
      send: (_to, message) => {
        if (message.kind === 'media-statistics') this.told.push(message)
      },
    })
    this.unit.receive({ kind: 'clock', offsetMs: 0, synchronised: true })
    this.unit.receive({
      ...{ kind: 'role', role: 'standby', term: 1, because: 'test', alone: false },
      peerServedAtMs: null,
    })
  }

  run(ticks: number): void {
    for (let slots = 0; slots < ticks * 4; slots++) {
      this.#nowMs += 5
      this.unit.runDue()
    }
  }

  /** What it told since the last call. */
  coldLegs(): (number | undefined)[] {
    return this.told.splice(0).map(({ coldLegs }) => coldLegs)
  }
}

test('legs that were told too late are told as cold at once, and as warm as soon as they are', (t) => {
  const standby = new Standby()
  standby.run(100)
  standby.unit.receive({ kind: 'conference-set', ref: 1, legs: [legRecord(0), legRecord(1)] })
  standby.run(60)
  t.is(standby.coldLegs().at(-1), 0, 'as all nodes that have been here')
  const map = { ssrc: 1, timestamp: 0, tick: firstTick + 150, fromTick: firstTick + 150 }
  const late = legRecord(0, { inputMaps: [map] })
  standby.unit.receive({ kind: 'member-update', ref: 2, leg: late })
  t.deepEqual(standby.coldLegs(), [2], 'both are in one bridge')
  standby.run(30)
  t.true(standby.coldLegs().includes(0))
})
