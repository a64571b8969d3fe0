//! `make demo`: the main job in one command, with a report in build/demo-report.json.
//! Flags: --seconds N (after the kill), --runs N, --keep (leave node files, captures, recordings).
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine } from './command-line.ts'
import { brokenPromises } from './demo/promises.ts'
import type { DemoReport } from './demo/report.ts'
import { runDemo } from './demo/run.ts'
import { fingerprint, reportLine, reportTable } from './demo/table.ts'
import { demoPrograms, ensurePackages } from './net/packages.ts'
import { ensureNamespaces } from './net/privilege.ts'

const buildFolder = join(import.meta.dirname, '../build')

const { values } = commandLine({
  options: {
    seconds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
})

function wholeNumber(name: 'seconds' | 'runs', max: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  console.error(`--${name} takes a whole number from 1 to ${max}, not "${values[name]}".`)
  process.exit(2)
}

function teller(): (text: string) => void {
  const startMs = performance.now()
  return (text) => {
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(5)
    console.log(`${seconds} s  ${text}`)
  }
}

async function once(seconds: number, say: (text: string) => void): Promise<DemoReport> {
  const report = await runDemo({ seconds, keepFiles: values.keep, say })
  mkdirSync(buildFolder, { recursive: true })
  writeFileSync(join(buildFolder, 'demo-report.json'), `${JSON.stringify(report, null, 2)}\n`)
  return report
}

async function single(seconds: number): Promise<boolean> {
  const report = await once(seconds, teller())
  const broken = brokenPromises(report)
  console.log(`\n${reportTable(report)}\n`)
  console.log('Every figure comes from captures and recordings; see build/demo-report.json.')
  for (const sentence of broken) console.error(`NOT AS PROMISED: ${sentence}`)
  return broken.length === 0
}

async function series(seconds: number, runs: number): Promise<boolean> {
  const seen = new Set<string>()
  let good = 0
  for (let run = 1; run <= runs; run += 1) {
    const report = await once(seconds, () => undefined)
    seen.add(fingerprint(report))
    const broken = brokenPromises(report)
    if (broken.length === 0) good += 1
    const verdict = broken.length === 0 ? 'as promised' : `NOT AS PROMISED: ${broken.join('; ')}`
    console.log(`run ${String(run).padStart(2)}: ${reportLine(report)}: ${verdict}`)
  }
  console.log(
    `${good} of ${runs} runs as promised, ${seen.size === 1 ? 'all equal' : 'NOT equal'}.`,
  )
  return good === runs && seen.size === 1
}

const seconds = wholeNumber('seconds', 60)
const runs = wholeNumber('runs', 1_000)
ensurePackages(demoPrograms)
await ensureNamespaces()
const isAsPromised = await (runs === 1 ? single(seconds) : series(seconds, runs))
process.exit(isAsPromised ? 0 : 1)
