//! `npm run test:unit`: the unit tests, each file in a process of its own, as many at once as there are
//! processors. A red file is repeated once with nothing beside it; the end says both results, and what was
//! said outside of tests once more: a log that is cut at its beginning still has it.
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { redFiles, saidOutside } from './unit/red-files.ts'

const root = join(import.meta.dirname, '..')
const { ava }: { ava: { files: string[] } } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const files = ava.files.flatMap((pattern) => globSync(pattern, { cwd: root }))
/** More red files than this have a common cause, which a repetition does not find. */
const repeatedMax = 5

interface Run {
  readonly isGreen: boolean
  readonly output: string
}

function runTests(args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules/.bin/ava'), args, {
      cwd: root,
      env: { NODE_COMPILE_CACHE: join(root, 'build/compile-cache'), ...process.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        output += text
        process.stdout.write(text)
      })
    }
    child.on('error', (error) => resolve({ isGreen: false, output: error.message }))
    child.on('close', (code) => resolve({ isGreen: code === 0, output }))
  })
}

/** @returns true when each red file is green alone. */
async function repeated(first: Run): Promise<boolean> {
  const red = redFiles(first.output, files)
  const isOften = red.length > repeatedMax
  const lines = [`files red at first: ${red.length === 0 ? 'not known' : red.join(', ')}`]
  let isGreen = red.length > 0 && !isOften
  for (const file of isOften ? [] : red) {
    console.log(`\n${file} again, alone:`)
    const again = await runTests([file])
    isGreen &&= again.isGreen
    lines.push(`${file}: RED, repeated alone: ${again.isGreen ? 'GREEN' : 'RED'}`)
  }
  console.log(`\n${'-'.repeat(80)}`)
  for (const text of [...saidOutside(first.output), ...lines]) console.log(text)
  return isGreen
}

const run = await runTests([])
process.exitCode = run.isGreen || (await repeated(run)) ? 0 : 1
