//! `npm run mutants [-- TEXT] [--workers N]`: tries every mutant, prints which test caught it, and fails
//! if one was not. On a busy machine a test may only be slow: what ran out of time is tried again alone.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { commandLine } from '../../../scripts/command-line.ts'
import { groups } from './groups.ts'
import type { MutantGroup } from './mutant.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** A mutant that runs through all tests takes as long as none does; this many times as long is too long. */
const slowness = 8
const limitMsMin = 120_000
const nameWidth = 74

interface Outcome {
  readonly verdict: Verdict
  readonly tookMs: number
}

interface Job {
  readonly group: MutantGroup
  readonly number: number
  readonly limitMs: number
}

/** @param number of the mutant; undefined: the source as it is. */
function tryOne(group: MutantGroup, limitMs: number, number?: number): Promise<Outcome> {
  const begunAt = performance.now()
  const args = [join(import.meta.dirname, 'try-one.ts'), group.name, String(limitMs)]
  if (number !== undefined) args.push(String(number))
  return new Promise((resolve) => {
    // It ends itself in time, unless it never gives the loop back.
    const child = spawn(process.execPath, args, {
      timeout: Math.round(1.2 * limitMs),
      killSignal: 'SIGKILL',
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk
    })
    child.on('close', (code) => {
      const verdict = verdictOf({ output, errors, code })
      resolve({ verdict, tookMs: performance.now() - begunAt })
    })
  })
}

/** @returns the limit of the group, from the time that it takes without a mutant; null: it fails. */
async function limitOf(group: MutantGroup): Promise<number | null> {
  const { verdict, tookMs } = await tryOne(group, 10 * limitMsMin)
  if (verdict.kind === 'survived') return Math.max(limitMsMin, Math.round(slowness * tookMs))
  process.stdout.write(`${group.name} without a mutant: ${verdict.title}: ${verdict.why}\n`)
  return null
}

async function jobsOf(filter: string): Promise<Job[] | null> {
  const jobs: Job[] = []
  for (const group of groups) {
    const numbers = group.mutants.flatMap(({ name, file }, number) =>
      `${name} ${file}`.includes(filter) ? [number] : [],
    )
    if (numbers.length === 0) continue
    const limitMs = await limitOf(group)
    if (limitMs === null) return null
    jobs.push(...numbers.map((number) => ({ group, number, limitMs })))
  }
  return jobs
}

function tell({ group, number }: Job, { verdict, tookMs }: Outcome): void {
  const name = group.mutants[number]?.name ?? ''
  const text = verdict.kind === 'survived' ? 'SURVIVED' : verdict.title
  const seconds = `${(tookMs / 1000).toFixed(1)} s`
  process.stdout.write(`${name.padEnd(nameWidth)} ${seconds.padStart(7)}  ${text}\n`)
}

/** @returns what to try again alone. */
async function tryAll(jobs: readonly Job[], workers: number, count: Counts): Promise<Job[]> {
  const waiting = [...jobs]
  const again: Job[] = []
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const outcome = await tryOne(job.group, job.limitMs, job.number)
      count[outcome.verdict.kind]++
      if (outcome.verdict.kind === 'time-out') again.push(job)
      tell(job, outcome)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return again
}

type Counts = Record<Verdict['kind'], number>

async function main(): Promise<void> {
  const { values, positionals } = commandLine({
    options: { workers: { type: 'string', default: String(availableParallelism()) } },
    allowPositionals: true,
  })
  const jobs = await jobsOf(positionals[0] ?? '')
  if (jobs === null) {
    process.exitCode = 1
    return
  }
  const count: Counts = { caught: 0, survived: 0, 'time-out': 0 }
  const again = await tryAll(jobs, Math.max(1, Number(values.workers)), count)
  if (again.length > 0) {
    process.stdout.write(`\nalone, as they ran out of time beside others: ${again.length}\n`)
    count['time-out'] = 0
    await tryAll(again, 1, count)
  }
  const endless = count['time-out'] === 0 ? '' : `, ${count['time-out']} end in no test at all`
  process.stdout.write(`\n${count.caught} of ${jobs.length} mutants caught${endless}\n`)
  process.exitCode = count.caught === jobs.length && jobs.length > 0 ? 0 : 1
}

await main()
