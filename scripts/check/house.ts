//! The house rules: which room may import which, no cycles, file sizes, no unused exports.
import { readSources, type SourceFile } from './source.ts'

const linesMax = 400

const rootFiles = ['limits', 'errors', 'alarms', 'assert', 'result']
/** Files at the top of daemon/src that compose a process; they may import every room. */
const composing = ['main', 'switch', 'media', 'pair']

/** Room -> rooms it may import values from. Root files and the room itself always. */
const directions: Record<string, readonly string[]> = {
  platform: ['bus'],
  wire: ['tables', 'bus'],
  bus: ['tables'],
  tables: [],
  limits: [],
  switching: ['wire', 'tables', 'bus'],
  media: ['wire', 'bus', 'tables', 'platform'],
  pair: ['wire', 'bus'],
  replication: ['wire', 'tables', 'bus'],
  oam: ['tables', 'bus', 'control', 'database', 'platform'],
  database: ['platform', 'tables', 'wire'],
  control: ['oam', 'bus', 'tables', 'platform'],
  supervisor: ['platform', 'oam', 'bus', 'wire'],
}

/** Rooms whose values are a function of their arguments: no clock, socket, file or process. */
const pureRooms = ['wire', 'bus', 'tables', 'switching', 'pair', 'replication']
const pureNodeModules = ['node:crypto', 'node:zlib', 'node:buffer']
const impureText =
  /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.(env|hrtime|argv))\b/

/** The simulator runs in virtual time: its own files are as pure as the rooms, but for its command. */
const simulated = /^daemon\/sim\/((checks|faults|node|telephones|world)\/)?[a-z-]+\.ts$/
function isSimulator(path: string): boolean {
  return simulated.test(path) && path !== 'daemon/sim/main.ts'
}

function roomOf(path: string): string | null {
  const match = /^daemon\/src\/([a-z]+)\//.exec(path)
  return match?.[1] ?? null
}

function isComposing(path: string): boolean {
  const match = /^daemon\/src\/([a-z-]+)\.ts$/.exec(path)
  const name = match?.[1]
  return (name !== undefined && composing.includes(name)) || path.startsWith('daemon/src/compose/')
}

function directionProblems(file: SourceFile): string[] {
  const room = roomOf(file.path)
  const knowsIt = file.imports.some(({ target }) => target.startsWith('daemon/sim/'))
  if (file.path.startsWith('daemon/src/') && knowsIt) {
    return [`${file.path}: the product does not know its simulator`]
  }
  if (room === null || isComposing(file.path)) return []
  const allowed = directions[room]
  if (allowed === undefined) return [`${file.path}: ${room}/ has no entry in the directions`]
  const problems: string[] = []
  for (const entry of file.imports) {
    if (!entry.local || entry.typeOnly) continue
    const target = roomOf(entry.target)
    const base = /^daemon\/src\/([a-z-]+)\.ts$/.exec(entry.target)?.[1]
    if (target === room || (target !== null && allowed.includes(target))) continue
    if (base !== undefined && rootFiles.includes(base)) continue
    problems.push(`${file.path}: ${room}/ may not import ${entry.target}`)
  }
  return problems
}

function purityProblems(file: SourceFile): string[] {
  const room = roomOf(file.path)
  const isPure = room !== null && pureRooms.includes(room)
  if (!isPure && !isSimulator(file.path)) return []
  const problems: string[] = []
  for (const entry of file.imports) {
    const impure = entry.target.startsWith('node:') && !pureNodeModules.includes(entry.target)
    if (impure) problems.push(`${file.path}: a pure room may not import ${entry.target}`)
  }
  const code = file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const match = impureText.exec(code)
  if (match) problems.push(`${file.path}: a pure room may not use ${match[0]}`)
  return problems
}

/** Depth-first search over value imports; each cycle is named once. */
function cycleProblems(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const state = new Map<string, 'open' | 'done'>()
  const problems: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      problems.push(`import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`)
      return
    }
    state.set(path, 'open')
    for (const entry of byPath.get(path)?.imports ?? []) {
      if (entry.local && !entry.typeOnly) visit(entry.target, [...trail, path])
    }
    state.set(path, 'done')
  }
  for (const file of files) visit(file.path, [])
  return problems
}

function unusedExports(files: readonly SourceFile[]): string[] {
  const used = new Set<string>()
  for (const file of files) {
    for (const entry of file.imports) {
      for (const name of entry.names) used.add(`${entry.target}#${name}`)
    }
  }
  const problems: string[] = []
  for (const file of files) {
    if (file.path.includes('/test/') || file.path.startsWith('test/')) continue
    if (file.path.startsWith('daemon/assembly/') || used.has(`${file.path}#*`)) continue
    for (const name of file.exports) {
      const star = files.some((other) =>
        other.imports.some((entry) => entry.target === file.path && entry.names.includes('*')),
      )
      if (!star && !used.has(`${file.path}#${name}`)) {
        problems.push(`${file.path}: export ${name} is used nowhere else`)
      }
    }
  }
  return problems
}

function sizeProblems(file: SourceFile): string[] {
  const isTest = file.path.includes('/test/') || file.path.startsWith('test/')
  if (isTest || file.lines <= linesMax) return []
  return [`${file.path}: ${file.lines} lines, at most ${linesMax}`]
}

/** @returns one line a problem; empty when the house is in order. */
export function checkHouse(root: string): string[] {
  const files = readSources(root)
  return [
    ...files.flatMap(directionProblems),
    ...files.flatMap(purityProblems),
    ...files.flatMap(sizeProblems),
    ...cycleProblems(files),
    ...unusedExports(files),
  ]
}
