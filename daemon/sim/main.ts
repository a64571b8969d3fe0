//! `npm run sim -- --seed N --hours H [--seeds N..M [--workers N]] [--profile default|fast]`: runs seeds in
//! virtual time, several at once if wanted, and tells what they found; `--faults`, `--strikes` (numbers of single faults), `--phones`, `--links`, `--calm` and
//! `--chaos` (seconds) change their plan. `--pause MS`: no faults but late scheduling, pauses of the pair
//! units up to this long. A seed that fails is shrunk and printed with its commit.
import { execFileSync, spawn } from 'node:child_process'
import { commandLine } from '../../scripts/command-line.ts'
import { shrink } from './faults/shrink.ts'
import { runLoad } from './load.ts'
import { faultKinds, type Plan, planOf } from './plan.ts'
import { type Outcome, runPlan } from './run.ts'

const { values } = commandLine({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    hours: { type: 'string', default: '1' },
    profile: { type: 'string', default: 'default' },
    faults: { type: 'string' },
    phones: { type: 'string' },
    links: { type: 'string' },
    strikes: { type: 'string' },
    calm: { type: 'string' },
    chaos: { type: 'string' },
    pause: { type: 'string' },
    workers: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
  },
})

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Milliseconds of processor time: a busy machine does not make the simulator slower. */
function workedMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function seedsOf(): number[] {
  const [first = '1', last = first] = (values.seeds ?? values.seed ?? '1').split('..')
  const from = Number(first)
  return Array.from({ length: Number(last) - from + 1 }, (_, index) => from + index)
}

function planOfSeed(seed: number): Plan {
  const plan = planOf(seed, values.profile === 'fast' ? 'fast' : 'default')
  const faults = values.faults?.split(',').filter((name) => name !== '')
  return {
    ...plan,
    faults: faults === undefined ? plan.faults : faultKinds.filter((one) => faults.includes(one)),
    phones: Number(values.phones ?? plan.phones),
    links: Number(values.links ?? plan.links),
    strikes: values.strikes?.split(',').filter(Boolean).map(Number) ?? plan.strikes,
    calmMs: values.calm === undefined ? plan.calmMs : Number(values.calm) * 1_000,
    chaosMs: values.chaos === undefined ? plan.chaosMs : Number(values.chaos) * 1_000,
  }
}

function commit(): string {
  try {
    const root = import.meta.dirname
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root }).toString().trim()
  } catch {
    return 'unknown'
  }
}

/** What gives this run again. */
function commandOf(plan: Plan, hours: number): string {
  const { seed, profile, phones, links, faults, strikes, calmMs, chaosMs } = plan
  const only = strikes === null ? '' : `--strikes ${strikes.join(',') || ','} `
  return (
    `npm run sim -- --seed ${seed} --hours ${hours} --profile ${profile} --phones ${phones} ` +
    `--links ${links} --calm ${calmMs / 1_000} --chaos ${chaosMs / 1_000} ` +
    `${only}--faults ${faults.join(',')} --trace`
  )
}

function tellFailure(plan: Plan, outcome: Outcome, hours: number): void {
  const [first] = outcome.violations
  say(`FAILED seed ${plan.seed} at commit ${commit()}: ${first?.rule} at ${first?.atMs} ms`)
  say(`  ${first?.detail}`)
  if (values['no-shrink']) return
  const small = shrink({ plan, hours, outcome })
  const [again] = small.outcome.violations
  const count = small.outcome.struck.length
  say(`  shrunk in ${small.tries} runs to ${count} faults: ${again?.rule} at ${again?.atMs} ms`)
  say(`  ${commandOf(small.plan, small.hours)}`)
  for (const line of small.outcome.trace.slice(-40)) say(`  ${line.slice(0, 240)}`)
}

function tellSeed(plan: Plan, outcome: Outcome, tookMs: number): void {
  const { calls, faults, episodes } = outcome
  const count = [...faults.values()].reduce((sum, one) => sum + one, 0)
  const speed = Math.round(outcome.simulatedMs / tookMs)
  say(
    `seed ${plan.seed}: ${(outcome.simulatedMs / 3_600_000).toFixed(2)} h, ${speed} times real time, ` +
      `${episodes} episodes, ${count} faults, ${outcome.roleChanges} role changes, ` +
      `${calls.answered} calls answered, ${calls.lost} lost, ${calls.excused} excused, ` +
      `${outcome.orphans} orphans, ` +
      `healed in ${Math.round(outcome.healMsMax)} ms, ${outcome.hash}`,
  )
}

/** The same seeds without faults, on nodes that are scheduled late. */
function load(pauseMsMax: number): void {
  for (const seed of seedsOf()) {
    const beganMs = workedMs()
    const outcome = runLoad(planOfSeed(seed), { hours: Number(values.hours), pauseMsMax })
    const speed = Math.round(outcome.simulatedMs / (workedMs() - beganMs))
    say(
      `seed ${seed}, profile ${values.profile}: ${(outcome.simulatedMs / 3_600_000).toFixed(1)} h, ` +
        `${speed} times real time, ${outcome.answered} calls answered, ${outcome.lost} lost, ` +
        `${outcome.pauses} pauses, of pair at most ${outcome.longestMs} ms, ` +
        `${outcome.falseTakeOvers} false take-overs`,
    )
    if (outcome.falseTakeOvers + outcome.lost > 0) process.exitCode = 1
  }
}

/** One seed in a process of its own. @returns whether it is green. */
function runApart(seed: number): Promise<boolean> {
  const given = process.argv.slice(2)
  const args = [...process.execArgv, import.meta.filename, ...given, '--seeds', `${seed}..${seed}`]
  const child = spawn(process.execPath, [...args, '--workers', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  return new Promise((resolve) => {
    child.on('close', (code) => {
      process.stdout.write(output)
      resolve(code === 0)
    })
  })
}

/** Each worker takes the next seed when it is done: some take five times as long as others. */
async function runBesideEachOther(workers: number): Promise<void> {
  const waiting = seedsOf()
  const count = waiting.length
  const failed: number[] = []
  const work = async () => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      if (!(await runApart(seed))) failed.push(seed)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const which = failed.length === 0 ? '' : `: ${failed.join(', ')}`
  say(`${count} seeds, ${failed.length} failed${which}`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

function main(): void {
  const hours = Number(values.hours)
  const startedMs = workedMs()
  let simulatedMs = 0
  let failed = 0
  for (const seed of seedsOf()) {
    const plan = planOfSeed(seed)
    const beganMs = workedMs()
    const outcome = runPlan(plan, values.trace ? { hours, onLine: say } : { hours })
    simulatedMs += outcome.simulatedMs
    tellSeed(plan, outcome, workedMs() - beganMs)
    if (outcome.violations.length === 0) continue
    failed++
    tellFailure(plan, outcome, hours)
  }
  process.exitCode = failed === 0 ? 0 : 1
  if (seedsOf().length === 1) return
  const tookMs = workedMs() - startedMs
  const text = `${(simulatedMs / 3_600_000).toFixed(1)} hours in ${(tookMs / 1000).toFixed(1)} s of one core`
  say(`${text}, ${Math.round(simulatedMs / tookMs)} times real time; ${failed} seeds failed`)
}

if (Number(values.workers) > 1) await runBesideEachOther(Number(values.workers))
else if (values.pause === undefined) main()
else load(Number(values.pause))
