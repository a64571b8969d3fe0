//! `npm run soak`: a pair under calls and faults, for as long as wanted. What it finds goes to
//! docs/scoreboard.json and SCOREBOARD.md.
//!
//!   --kills N         faults until so many SIGKILLs; 0: no faults at all (then --seconds)
//!   --seconds S       longest time of one round; every round has a new pair and new calls (300)
//!   --rounds N        no more rounds than that (as many as the kills need; without kills 1)
//!   --profile P       default (100 ms x 5) or fast (20 ms x 3)
//!   --legs N          legs that are held all the time, two a call (100)
//!   --load            a busy switch: 25 new calls a second instead of 1
//!   --only KIND,...   faults of these kinds only, one after the other; some come only so (--only x names them)
//!   --single          terminals that hear one node only: the gap without a twin
//!   --one-node        the other node is dead; no faults
//!   --from COMMIT     both nodes run that version at first (with --only upgrade)
//!   --flood N         no faults; an attacker sends N messages a second meanwhile
//!   --seed N          the same choices again
//!   --dry             keep nothing
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { commandLine } from './command-line.ts'
import { writeDocuments } from './docs.ts'
import { chance } from './impair/impairment.ts'
import { ensurePackages, testPrograms } from './net/packages.ts'
import { ensureNamespaces } from './net/privilege.ts'
import { preferPrograms, preferTree } from './net/processes.ts'
import { type FaultKind, faultKinds, faults } from './soak/faults.ts'
import { floodRun } from './soak/flood-run.ts'
import { programOfCommit } from './soak/former-version.ts'
import { keepRun, type ProfileName, type SoakRun } from './soak/results.ts'
import { Round } from './soak/round.ts'
import { sum } from './soak/rows.ts'

const comingPerSecondOf = { calm: 1, busy: 25 } as const
const secondsDefault = 300
const niceness = -12
/** A kill and all that follows takes about so long; a round begins with setting up the pair. */
const secondsOfKill = 6
const secondsOfStart = 30

const { values } = commandLine({
  options: {
    kills: { type: 'string', default: '0' },
    seconds: { type: 'string', default: String(secondsDefault) },
    rounds: { type: 'string' },
    profile: { type: 'string', default: 'default' },
    legs: { type: 'string', default: '100' },
    load: { type: 'boolean', default: false },
    only: { type: 'string' },
    single: { type: 'boolean', default: false },
    'one-node': { type: 'boolean', default: false },
    from: { type: 'string' },
    flood: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    dry: { type: 'boolean', default: false },
  },
})

function whole(text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  console.error(`${text} is no whole number from ${min} to ${max}.`)
  process.exit(2)
}

/** The daemons inherit it: a soak measures them and not what else this machine does. */
function preferThisWork(): void {
  try {
    setPriority(niceness)
    preferPrograms(niceness)
    preferTree(process.pid)
  } catch {
    // Without the right to it the figures have the neighbours in them.
  }
}

const kills = whole(values.kills, 0, 100_000)
const secondsMax = whole(values.seconds, 20, 86_400)
const roundsMax = whole(values.rounds ?? (kills > 0 ? '100000' : '1'), 1, 100_000)
const legs = whole(values.legs, 2, 1_000)
const floodPerSecond = whole(values.flood, 0, 100_000)
const wanted = values.only === undefined ? [] : values.only.split(',')
const only = faultKinds.filter((kind: FaultKind) => wanted.includes(kind))
const profile: ProfileName = values.profile === 'fast' ? 'fast' : 'default'
if (wanted.length !== only.length || !['default', 'fast'].includes(values.profile)) {
  console.error(`--profile: default or fast; --only: some of ${faultKinds.join(', ')}.`)
  process.exit(2)
}
const isUpgrade = only.includes('upgrade')
if (isUpgrade !== (values.from !== undefined)) {
  console.error('--only upgrade needs --from COMMIT, and nothing else takes it.')
  process.exit(2)
}
if (kills > 0 && (values['one-node'] || floodPerSecond > 0)) {
  console.error('--one-node and --flood are runs without faults.')
  process.exit(2)
}

ensurePackages(testPrograms)
await ensureNamespaces()
preferThisWork()
// A node that returns need not compile again what the one before it has compiled.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../build/compile-cache')
const beganMs = performance.now()
const say = (text: string) => {
  console.log(`${((performance.now() - beganMs) / 1_000).toFixed(0).padStart(5)} s  ${text}`)
}
const seed = whole(values.seed, 0, 2 ** 31)
const random = chance(seed)
say(`seed ${seed}`)

const former =
  values.from === undefined ? null : { commit: values.from, program: programOfCommit(values.from) }

function runRound(killsLeft: number, seconds: number): Promise<SoakRun> {
  const comingPerSecond = values.load ? comingPerSecondOf.busy : comingPerSecondOf.calm
  if (floodPerSecond > 0) return floodRun({ seconds, legs, perSecond: floodPerSecond, say })
  return Round.run({
    ...{ seconds, profile, legs, only, random, say, former, comingPerSecond },
    ...{ kills: killsLeft, single: values.single, oneNode: values['one-node'] },
  })
}

let killsDone = 0
let rounds = 0
let lost = 0
do {
  const seconds =
    kills === 0 || only.length > 0
      ? secondsMax
      : Math.min(secondsMax, secondsOfStart + (kills - killsDone) * secondsOfKill)
  const run = await runRound(kills - killsDone, seconds)
  if (!values.dry) keepRun(run)
  const killed = run.faults.reduce((sum, { kind }) => sum + faults[kind].kills, 0)
  killsDone += killed
  rounds += 1
  const moved = run.falseTakeOvers + sum(run.faults.map(({ falseTakeOvers }) => falseTakeOvers))
  // Who hears one node only misses what that one could not send.
  lost += (values.single ? 0 : run.framesLost) + run.held.lost + run.coming.lost + moved
  const calls = `${run.held.lost} of ${run.held.made} held and ${run.coming.lost} of ${run.coming.made}`
  say(
    `round: ${killed} kills, ${run.framesLost} of ${run.frames} frames lost, ${calls} new calls lost, ` +
      `${moved} false take-overs`,
  )
  for (const { firstError } of [run.held, run.coming]) if (firstError !== '') say(firstError)
  if (run.notCaptured !== 0) say(`${run.notCaptured} frames were not captured`)
  if (run.problem !== null) lost += 1
  if (kills > 0 && killed === 0 && only.length === 0) break
} while ((kills === 0 || killsDone < kills) && rounds < roundsMax)
if (!values.dry) writeDocuments()
process.exit(lost === 0 ? 0 : 1)
