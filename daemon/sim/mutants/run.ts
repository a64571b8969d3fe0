//! `npm run mutants [-- TEXT]`: tries every mutant, prints which test caught it, and fails if one was not.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { groups } from './groups.ts'
import type { MutantGroup } from './mutant.ts'

interface Outcome {
  readonly caught: { readonly title: string; readonly why: string } | null
  readonly tookMs: number
}

const msMax = 260_000
const nameWidth = 74

/** @param number of the mutant; undefined: the source as it is. */
function tryOne(group: MutantGroup, number?: number): Promise<Outcome> {
  const begunAt = performance.now()
  const args = [join(import.meta.dirname, 'try-one.ts'), group.name]
  if (number !== undefined) args.push(String(number))
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { timeout: msMax, killSignal: 'SIGKILL' })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk
    })
    child.on('close', () => {
      const tookMs = performance.now() - begunAt
      const line = output.trim().split('\n').at(-1) ?? ''
      try {
        resolve({ caught: JSON.parse(line), tookMs })
      } catch {
        // A mutant that cannot even be loaded, or never gives the loop back, is caught as well.
        resolve({ caught: { title: 'it does not end', why: errors.trim() }, tookMs })
      }
    })
  })
}

interface Job {
  readonly group: MutantGroup
  readonly number: number
}

function jobsOf(filter: string): Job[] {
  return groups.flatMap((group) =>
    group.mutants
      .map((mutant, number) => ({ group, number, text: `${mutant.name} ${mutant.file}` }))
      .filter(({ text }) => text.includes(filter)),
  )
}

async function tryAll(jobs: readonly Job[]): Promise<number> {
  const waiting = [...jobs]
  let survivors = 0
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { caught, tookMs } = await tryOne(job.group, job.number)
      if (caught === null) survivors += 1
      const name = job.group.mutants[job.number]?.name ?? ''
      const verdict = caught === null ? 'SURVIVED' : caught.title
      const seconds = `${(tookMs / 1000).toFixed(1)} s`
      process.stdout.write(`${name.padEnd(nameWidth)} ${seconds.padStart(7)}  ${verdict}\n`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return survivors
}

const jobs = jobsOf(process.argv[2] ?? '')
for (const group of new Set(jobs.map((job) => job.group))) {
  const { caught } = await tryOne(group)
  if (caught === null) continue
  process.stdout.write(`${group.name} without a mutant: ${caught.title}: ${caught.why}\n`)
  process.exit(1)
}
const survivors = await tryAll(jobs)
process.stdout.write(`\n${jobs.length - survivors} of ${jobs.length} mutants caught\n`)
process.exitCode = survivors === 0 ? 0 : 1
