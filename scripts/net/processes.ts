//! Programs of a lab, each started in one namespace, none of which outlives the lab.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { atExit } from './cleanup.ts'

interface ProgramOptions {
  /** Absent: in that of this process. */
  readonly namespace?: string
  readonly command: string
  readonly args: readonly string[]
  readonly directory?: string
  readonly environment?: Readonly<Record<string, string>>
  /** A terminal is a machine of its own: it must not starve because this one is busy. */
  readonly urgent?: boolean
  /** Standard output and error go to this file; otherwise they are pipes. */
  readonly logFile?: string
}

/** The programs of one lab. */
export class Programs {
  readonly #running = new Set<ChildProcess>()
  readonly #forget: () => void

  constructor() {
    this.#forget = atExit(() => this.#killAll())
  }

  /** Starts a program; it gets SIGKILL from the kernel should this process die without a word. */
  start(options: ProgramOptions): ChildProcess {
    const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
    const [command = '', ...args] = [
      ...(options.namespace === undefined ? [] : within(options.namespace)),
      ...dieWithParent,
      ...(options.urgent === true ? first() : []),
      options.command,
      ...options.args,
    ]
    const child = spawn(command, args, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: ['pipe', log ?? 'pipe', log ?? 'pipe'],
      // A group of its own: Ctrl-C on the terminal must reach us first, and us only.
      detached: true,
    })
    if (log !== undefined) closeSync(log)
    this.#running.add(child)
    if (child.pid !== undefined) preferTree(child.pid)
    child.on('error', () => this.#running.delete(child))
    child.on('exit', () => this.#running.delete(child))
    child.stdin?.on('error', () => undefined)
    return child
  }

  /** Everything that still runs gets SIGKILL, children of children included. */
  close(): void {
    this.#forget()
    this.#killAll()
  }

  #killAll(): void {
    for (const child of this.#running) {
      if (child.pid !== undefined) killTree(child.pid)
    }
    this.#running.clear()
  }
}

const realtime = ['chrt', '--fifo', '40'] as const
const nice = ['nice', '-n', '-15'] as const
let realtimeWorks: boolean | undefined

/** Whether programs here may stand before all that the daemons do. */
export function mayBeRealtime(): boolean {
  realtimeWorks ??= spawnSync(realtime[0], [...realtime.slice(1), 'true']).status === 0
  return realtimeWorks
}

/** Before all that the daemons do, where that is allowed: a node that starts takes two processors for a
 * while, and what a telephone says too late nobody can play in time. `nice` starts the program also
 * where it may do nothing. */
function first(): readonly string[] {
  return mayBeRealtime() ? realtime : nice
}

const within = (namespace: string) => ['nsenter', `--net=/run/netns/${namespace}`, '--']
const dieWithParent = ['setpriv', '--pdeathsig', 'KILL', '--'] as const

let preferredNice: number | null = null

/** From now on what `preferTree` names stands before the other work of this machine. */
export function preferPrograms(nice: number): void {
  preferredNice = nice
}

/** Each program is a session of its own, and the kernel shares the processors out by session: a nice value
 * counts only within one, and what counts between them is that of its group. */
export function preferTree(pid: number): void {
  if (preferredNice === null) return
  for (const member of processTree(pid)) {
    try {
      writeFileSync(`/proc/${member}/autogroup`, String(preferredNice))
    } catch {
      // Gone, not allowed, or a kernel without such groups.
    }
  }
}

/** The process and all that descend from it, parents first. */
export function processTree(pid: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const parent = parentOf(Number(entry))
    if (parent !== undefined)
      childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)])
  }
  const tree = [pid]
  for (const known of tree) tree.push(...(childrenOf.get(known) ?? []))
  return tree
}

function parentOf(pid: number): number | undefined {
  if (!Number.isInteger(pid)) return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in brackets may hold anything; the state and the parent follow its last bracket.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

/** SIGKILL to a process and its descendants, parents first, so that none is restarted. */
export function killTree(pid: number): number[] {
  const tree = processTree(pid)
  for (const member of tree) sendSignal(member, 'SIGKILL')
  return tree
}

/** SIGSTOP or SIGCONT to a process and its descendants. @returns the time of the first signal. */
export function signalTree(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): number {
  const tree = processTree(pid)
  const atMs = Date.now()
  for (const member of tree) sendSignal(member, signal)
  return atMs
}

export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

export function exited(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? 137)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 137)))
}
