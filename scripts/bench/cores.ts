//! Which core a process runs on, and what it has used of it.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** The process under test is alone here, as far as the machine allows. */
export const subjectCore = 1
const allCores = Array.from({ length: cpus().length }, (_, core) => core)
const otherCores = allCores.filter((core) => core !== subjectCore)
export const canPin = allCores.length > 1

/** All threads of a process to these cores, or one; children that it starts later inherit them. */
function pin(id: number, cores: readonly number[], of: 'process' | 'thread' = 'process'): void {
  if (!canPin) return
  const args = [...(of === 'process' ? ['-a'] : []), '-c', '-p', cores.join(','), String(id)]
  const done = spawnSync('taskset', args, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`taskset ${args.join(' ')}: ${done.stderr}`)
}

export function pinToSubjectCore(pid: number): void {
  pin(pid, [subjectCore])
}

export function pinToOtherCores(pid: number): void {
  pin(pid, otherCores)
}

/** The thread that serves keeps its core; V8's helper and the threads for files leave it. */
export function pinHelpersToOtherCores(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`).map(Number)) {
    if (thread !== pid) pin(thread, otherCores, 'thread')
  }
}

/** Before a command: it and its children run on the core of the subject. */
export const onSubjectCore: readonly string[] = canPin ? ['taskset', '-c', `${subjectCore}`] : []

/** Runs `body` with this process, and all it starts, off the core of the subject. */
export async function offSubjectCore<T>(body: () => Promise<T>): Promise<T> {
  pin(process.pid, otherCores)
  try {
    return await body()
  } finally {
    pin(process.pid, allCores)
  }
}

/** CPU time of all threads of a process, in nanoseconds. */
export function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
    return sum + Number(text.split(' ')[0])
  }, 0)
}
