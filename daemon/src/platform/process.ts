//! Processes: the units that the supervisor starts, tools that run and end, and what /proc knows.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import type { Readable } from 'node:stream'
import { failure, type Result, success } from '../result.ts'
import { errorText, readSystemFile } from './files.ts'
import { pulseDescriptor, pulseEnvironment } from './pulse.ts'

/** A unit that gave up before its memory was exhausted. */
export const memoryExitCode = 12

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly pid: number
  /** False when it has ended already. */
  kill(signal: NodeJS.Signals): boolean
}

interface NodeStart {
  readonly path: string
  readonly args: readonly string[]
  /** Of Node itself. */
  readonly nodeArgs: readonly string[]
  /** Beside that of this process. */
  readonly environment: Readonly<Record<string, string>>
  /** It gave a sign of life. */
  readonly onPulse: () => void
  readonly onExit: (exit: ChildExit) => void
}

/** Starts a program of this same Node version in a session of its own: the interrupt key of a terminal
 * reaches the supervisor only, which then ends the units in the right order. Output goes where ours
 * goes. */
export function startNode(start: NodeStart): Result<Child> {
  const { path, args, nodeArgs, environment, onPulse, onExit } = start
  const child = spawned([...nodeArgs, path, ...args], environment)
  if (typeof child === 'string' || child.pid === undefined) {
    const why = typeof child === 'string' ? `: ${child}` : ''
    return failure('unit-failed', `${path} cannot be started${why}`)
  }
  child.once('exit', (code, signal) => onExit({ code, signal }))
  const pulse = child.stdio[pulseDescriptor] as Readable | null
  pulse?.on('data', onPulse)
  pulse?.on('error', () => undefined)
  return success({ pid: child.pid, kill: (signal) => child.kill(signal) })
}

/** @returns the process, without a number when it was refused; or why: Node throws when there is no
 * memory for one. */
function spawned(args: readonly string[], more: NodeStart['environment']): ChildProcess | string {
  try {
    const child = spawn(process.execPath, args, {
      // The last one is the pipe of `pulse.ts`.
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, ...more, ...pulseEnvironment() },
      detached: true,
    })
    child.on('error', () => undefined)
    return child
  } catch (error) {
    return errorText(error)
  }
}

/** Nice value of units without a real-time class: before the ordinary programs of the machine. */
const serviceNice = -5

/** @returns false when that is not allowed, or the process has ended. To be called before it starts
 * threads: they have the value of the thread that starts them. */
export function putBeforeOthers(pid: number): boolean {
  try {
    // Whoever started this node may have put it further to the front.
    setPriority(pid, Math.min(getPriority(pid), serviceNice))
    return true
  } catch {
    return false
  }
}

/** How far the helper threads of V8 stand behind the thread that serves: at the value of ordinary programs. */
const helperNice = 5

/** While V8 marks a heap, its helper threads want all of a processor for some tenth of a second. Where the thread
 * that serves has no other one, it shall have most of this one.
 * @returns the threads that stand behind now */
export function putHelpersBehind(): number[] {
  const folder = '/proc/self/task'
  try {
    const threads = readdirSync(folder).filter((thread) => {
      return readSystemFile(`${folder}/${thread}/comm`)?.trim() === 'V8Worker'
    })
    for (const thread of threads) {
      setPriority(Number(thread), Math.min(19, getPriority(Number(thread)) + helperNice))
    }
    return threads.map(Number)
  } catch {
    return []
  }
}

interface ToolRun {
  readonly program: string
  readonly args: readonly string[]
  readonly input?: string
  /** Debian package, for the message when the program is missing. */
  readonly debianPackage: string
}

const toolMsMax = 10_000
/** The tools of the system first: npm puts programs of other packages into the path, one of them also
 * called `nft`. Those of the administrator are not in the path of an ordinary user. */
const toolPath = `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH ?? ''}`

/** Runs a tool to its end. @returns its output, `tool-missing`, or `tool-failed` with what it said. */
export async function runTool(run: ToolRun): Promise<Result<string>> {
  try {
    return await outputOf(run)
  } catch (error) {
    // No memory for a process.
    return failure('tool-failed', `${run.program}: ${errorText(error)}`)
  }
}

function outputOf(run: ToolRun): Promise<Result<string>> {
  const command = [run.program, ...run.args].join(' ')
  return new Promise((resolve) => {
    const options = { env: { ...process.env, PATH: toolPath }, timeout: toolMsMax }
    const child = execFile(run.program, [...run.args], options, (error, out, complaints) => {
      if (error === null) resolve(success(out))
      else if (error.code === 'ENOENT') {
        const hint = `${run.program} (Debian package ${run.debianPackage})`
        resolve(failure('tool-missing', hint))
      } else {
        const detail = complaints.trim() || errorText(error)
        resolve(failure('tool-failed', `${command}: ${detail}`))
      }
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(run.input ?? '')
  })
}

/** The arguments of a running process; null: there is none, or it is a zombie. */
export function commandLine(pid: number): readonly string[] | null {
  const text = readSystemFile(`/proc/${pid}/cmdline`)
  return text === undefined || text === '' ? null : text.split('\0').slice(0, -1)
}

/** What a process is for ever: its number is given to another one some day, the number together with the
 * time of its start (clock ticks since the machine was started) never is. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: string
}

/** @returns null when there is no such process any more, or it is a zombie. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const stat = readSystemFile(`/proc/${pid}/stat`)
  if (stat === undefined) return null
  // The name in brackets may hold anything; the state is the first field behind it, the third of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[22 - 3]]
  if (state === 'Z' || state === 'X' || startTicks === undefined) return null
  return { pid, startTicks }
}

export function isRunning({ pid, startTicks }: ProcessIdentity): boolean {
  return identifyProcess(pid)?.startTicks === startTicks
}

/** @returns the effective user of a running process, or null. */
export function userOfProcess(pid: number): number | null {
  const uids = /^Uid:\s+\d+\s+(\d+)/m.exec(readSystemFile(`/proc/${pid}/status`) ?? '')
  return uids?.[1] === undefined ? null : Number(uids[1])
}

const lookMs = 50

/** A process that somebody else started: its end is seen by looking, and nobody tells how it ended. */
export function followProcess(identity: ProcessIdentity, onExit: (exit: ChildExit) => void): Child {
  const timer = setInterval(() => {
    if (isRunning(identity)) return
    clearInterval(timer)
    onExit({ code: null, signal: null })
  }, lookMs)
  const { pid } = identity
  return { pid, kill: (signal) => isRunning(identity) && signalProcess(pid, signal) }
}

/** @returns false when there is no such process, or it is not ours. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

const capabilityNetAdmin = 12n

/** CAP_NET_ADMIN: addresses and packet filters. */
export function mayAdministerNetwork(): boolean {
  const status = readSystemFile('/proc/self/status') ?? ''
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  if (effective === undefined) return process.getuid?.() === 0
  return (BigInt(`0x${effective}`) & (1n << capabilityNetAdmin)) !== 0n
}
