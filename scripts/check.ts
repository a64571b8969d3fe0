//! `npm run check`: everything that can be said about the code without running it, in one command.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { checkHouse } from './check/house.ts'
import { checkLicences } from './check/licences.ts'
import { checkDocs } from './docs.ts'

const root = join(import.meta.dirname, '..')

interface Outcome {
  readonly name: string
  readonly problems: readonly string[]
}

/** Runs a tool of node_modules; its output is the problem when it fails. */
function runTool(name: string, command: string, args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules/.bin', command), args, { cwd: root })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk
    })
    child.on('error', (error) => resolve({ name, problems: [`${command}: ${error.message}`] }))
    child.on('close', (code) => resolve({ name, problems: code === 0 ? [] : [output.trim()] }))
  })
}

const outcomes = await Promise.all([
  runTool('types', 'tsc', ['-p', '.']),
  runTool('lint and format', 'biome', ['check', '--error-on-warnings', '.']),
  Promise.resolve({
    name: 'house (directions, cycles, sizes, exports)',
    problems: checkHouse(root),
  }),
  Promise.resolve({ name: 'licences', problems: checkLicences(root) }),
  Promise.resolve({ name: 'generated documents', problems: checkDocs(root) }),
])

let failed = 0
for (const { name, problems } of outcomes) {
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  for (const problem of problems) console.log(problem.replace(/^/gm, '  '))
  if (problems.length > 0) failed++
}
console.log(`\n${outcomes.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
