//! Reads the sources as text: files, imports, exports. TypeScript 7 has no compiler interface yet, and
//! our own style (one import form, named exports) is regular enough for line patterns.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

interface Import {
  readonly names: readonly string[]
  /** File relative to the root, or a package name. */
  readonly target: string
  readonly local: boolean
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  readonly exports: readonly string[]
  readonly text: string
}

const skipped = new Set(['node_modules', 'build', 'dist', '.git'])

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.name.endsWith('.ts')) yield path
  }
}

const importPattern =
  /^(?:import|export)\s+(type\s+)?(?:\{([^}]*)\}|\*\s+as\s+\w+|\w+(?:\s*,\s*\{([^}]*)\})?|\*)\s+from\s+'([^']+)'/gm
const dynamicPattern = /\bimport\('([^']+)'\)/g
const exportPattern =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type)\s+(\w+)/gm

function namesOf(list: string): string[] {
  return list
    .split(',')
    .map((part) => part.trim().replace(/^type\s+/, ''))
    .map((part) => part.split(/\s+as\s+/)[0] ?? '')
    .filter((name) => name !== '')
}

function resolveTarget(from: string, specifier: string): { target: string; local: boolean } {
  if (!specifier.startsWith('.')) return { target: specifier, local: false }
  return { target: join(dirname(from), specifier).replaceAll('\\', '/'), local: true }
}

function importsOf(path: string, text: string): Import[] {
  const found: Import[] = []
  for (const match of text.matchAll(importPattern)) {
    const named = match[2] ?? match[3]
    const names = named === undefined ? ['*'] : namesOf(named)
    const everyNameIsType =
      named !== undefined &&
      named.trim() !== '' &&
      named.split(',').every((part) => part.trim() === '' || /^type\s/.test(part.trim()))
    const typeOnly = match[1] !== undefined || everyNameIsType
    found.push({ names, typeOnly, ...resolveTarget(path, match[4] ?? '') })
  }
  for (const match of text.matchAll(dynamicPattern)) {
    found.push({ names: ['*'], typeOnly: false, ...resolveTarget(path, match[1] ?? '') })
  }
  return found
}

/** All TypeScript files below the root, tests and scripts included. */
export function readSources(root: string): SourceFile[] {
  const files: SourceFile[] = []
  for (const absolute of walk(root)) {
    const path = relative(root, absolute).replaceAll('\\', '/')
    const text = readFileSync(absolute, 'utf8')
    files.push({
      path,
      text,
      lines: text.split('\n').length - 1,
      imports: importsOf(path, text),
      exports: [...text.matchAll(exportPattern)].map((match) => match[1] ?? ''),
    })
  }
  return files
}
