//! What a tone costs the media unit: the engine with sockets that do nothing, all legs with a tone and
//! without, in turns in one process, so that a machine that slows down slows all of them.
import { join } from 'node:path'
import { openArena } from '../../daemon/src/media/arena.ts'
import { MediaEngine } from '../../daemon/src/media/engine.ts'
import type { LegSockets } from '../../daemon/src/media/sockets.ts'
import type { TonePattern } from '../../daemon/src/tables/tone.ts'
import { toneSet } from '../../daemon/src/tables/tone-sets.ts'
import { firstTick, legRecord } from '../../daemon/test/media/fake-node.ts'
import { type BenchContext, ratio } from './figures.ts'

const legCount = 500
const ticksOfTurn = 200
const turns = 12
const phases = 4

const sockets: LegSockets = {
  open: () => undefined,
  state: () => 'open',
  aim: () => true,
  close: () => undefined,
  receive: () => 0,
  receiveControl: () => 0,
  send: () => true,
  sendControl: () => true,
}

const { dial, hold } = toneSet('uk')
const subjects: Readonly<Record<string, TonePattern | null>> = {
  none: null,
  /** With its pauses. */
  hold,
  /** Two frequencies without a pause. */
  steady: dial,
  'steady, added to the voice': { ...dial, replaces: false },
}

function engineWith(pattern: TonePattern | null): MediaEngine {
  const arena = openArena(join(import.meta.dirname, '../../daemon/build/mixer.wasm'))
  const engine = new MediaEngine({ arena, sockets, wallMs: () => 0, emit: () => undefined })
  engine.setRole('primary')
  for (let n = 0; n < legCount; n++) {
    const tone = pattern === null ? null : { ...pattern, fromTick: firstTick, untilTick: null }
    const leg = engine.addLeg(legRecord(n, { conferenceId: n >> 1, tone }))
    if (typeof leg === 'string') throw new Error(leg)
    leg.opened(firstTick)
  }
  return engine
}

/** @returns nanoseconds for one leg and tick. */
function run(engine: MediaEngine, turn: number): number {
  const first = (firstTick + turn * ticksOfTurn) * phases
  const startMs = performance.now()
  for (let slot = 0; slot < ticksOfTurn * phases; slot++) engine.runSlot(first + slot)
  return ((performance.now() - startMs) * 1e6) / (ticksOfTurn * legCount)
}

/** The least of all turns: whatever disturbs only adds. */
export function measureTones(say: BenchContext['say']): object {
  const engines = Object.entries(subjects).map(([name, pattern]) => ({
    name,
    engine: engineWith(pattern),
    ns: Number.POSITIVE_INFINITY,
  }))
  for (let turn = 0; turn < turns; turn++) {
    for (const subject of engines) subject.ns = Math.min(subject.ns, run(subject.engine, turn))
  }
  const none = engines[0]?.ns ?? 0
  return Object.fromEntries(
    engines.map(({ name, ns }) => {
      const more = Math.round(ns - none)
      if (name !== 'none') say(`a tone on every leg (${name}): ${more} ns more per leg and tick`)
      return [name, { nsPerLegTick: Math.round(ns), ratioToNone: ratio(ns, none) }]
    }),
  )
}
