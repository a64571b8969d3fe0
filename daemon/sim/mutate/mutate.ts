//! So many mutated messages through the whole core, with calls in it: none may throw, take long, leave the
//! tables in disorder, or change what is not its own. One seed decides all of them.
import type { CoreEffect } from '../../src/switching/effects.ts'
import { pick, randomOf } from '../forge/attack.ts'
import { Besieged, type Original } from './besieged.ts'
import { inconsistency, judge, viewOf } from './judge.ts'
import { mutate } from './mutations.ts'

/** Messages to one core; then there is another one, with calls that live. */
const perEpoch = 400
/** Longest processor time of one message. */
const slowMs = 2
/** A message that took longer is measured again so often; the least counts, as it is not the scheduler. */
const measuredAgain = 5
const passMsMax = 40
/** Epochs whose core is taken over, and then left alone until everybody has given up. */
const settledEvery = 8
const silenceMs = 400_000

interface MutateReport {
  readonly count: number
  /** The slowest that was measured again, ms. */
  readonly slowestMs: number
  /** What went wrong, with seed and place to repeat it. */
  readonly faults: readonly string[]
}

interface Shot extends Original {
  readonly bytes: Buffer
}

/** Yields what has been done so far, after every so many epochs. */
export function* mutateMany(count: number, seed: number): IterableIterator<MutateReport> {
  const faults: string[] = []
  let done = 0
  let slowestMs = 0
  for (let epoch = 0; done < count && faults.length < 10; epoch++) {
    const outcome = runEpoch(seed, epoch)
    done += perEpoch
    for (const fault of outcome.faults) faults.push(`seed ${seed}, epoch ${epoch}: ${fault}`)
    for (const at of outcome.slow) {
      const ms = measure(seed, epoch, at)
      slowestMs = Math.max(slowestMs, ms)
      if (ms > slowMs) faults.push(`seed ${seed}, epoch ${epoch}, message ${at}: ${ms} ms`)
    }
    if (epoch % 64 === 63 || done >= count || faults.length > 0)
      yield { count: done, slowestMs, faults }
  }
}

/** Processor time of this thread. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** @param until the number of the last message */
function* shots(besieged: Besieged, random: () => number, until: number): Generator<Shot> {
  const { originals } = besieged
  for (let at = 0; at <= until; at++) {
    const original = pick(originals, random)
    const bytes = mutate(original.text, pick(originals, random).text, random)
    // Some come from elsewhere.
    const source = random() < 0.1 ? { address: '10.0.9.9', port: 5060 } : original.source
    yield { ...original, bytes, source }
  }
}

function runEpoch(seed: number, epoch: number): { faults: string[]; slow: number[] } {
  const random = randomOf(seed * 1_000_003 + epoch)
  const besieged = new Besieged()
  const { stage } = besieged
  const faults: string[] = []
  const slow: number[] = []
  let at = 0
  for (const { name, bytes, source } of shots(besieged, random, perEpoch - 1)) {
    const before = viewOf(stage)
    const text = bytes.toString('latin1')
    try {
      const startedMs = cpuMs()
      const effects: CoreEffect[] = besieged.receive(bytes, source)
      if (cpuMs() - startedMs > slowMs) slow.push(at)
      const wrong = judge(stage, { before, text }, effects)
      if (wrong !== null) faults.push(`message ${at} (${name}): ${wrong}\n${JSON.stringify(text)}`)
      besieged.pass(Math.floor(random() * passMsMax))
    } catch (error) {
      faults.push(`message ${at} (${name}): ${error instanceof Error ? error.stack : error}`)
      return { faults, slow }
    }
    at += 1
  }
  faults.push(...settle(besieged, epoch))
  return { faults, slow }
}

/** The end of an epoch. */
function settle(besieged: Besieged, epoch: number): string[] {
  const { stage } = besieged
  const faults: string[] = []
  const wrong = inconsistency(stage)
  if (wrong !== null) faults.push(wrong)
  if (epoch % settledEvery !== 0) return faults
  try {
    stage.takeOver()
    for (let ms = 0; ms < silenceMs; ms += 500) besieged.pass(500)
  } catch (error) {
    return [...faults, `taken over: ${error instanceof Error ? error.stack : error}`]
  }
  const { transactions } = stage.core.counters()
  if (transactions > 0) faults.push(`${transactions} transactions stay`)
  return faults
}

/** Processor time of one message, alone: the same messages before it, and nothing else going on. */
function measure(seed: number, epoch: number, at: number): number {
  let leastMs = Number.POSITIVE_INFINITY
  for (let time = 0; time < measuredAgain; time++) {
    const random = randomOf(seed * 1_000_003 + epoch)
    const besieged = new Besieged()
    let lastMs = 0
    for (const { bytes, source } of shots(besieged, random, at)) {
      const startedMs = cpuMs()
      besieged.receive(bytes, source)
      lastMs = cpuMs() - startedMs
      besieged.pass(Math.floor(random() * passMsMax))
    }
    leastMs = Math.min(leastMs, lastMs)
  }
  return Math.round(leastMs * 1_000) / 1_000
}
