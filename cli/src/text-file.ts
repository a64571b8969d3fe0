//! A text that the user names: a file, or `-` for standard input.
import { readFile } from 'node:fs/promises'
import { CliFailure } from './failure.ts'

export async function readText(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8')
    const { text } = await import('node:stream/consumers')
    return await text(process.stdin)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const kind = code === 'EACCES' ? 'permission' : 'file-unusable'
    throw new CliFailure(kind, `${file}: ${message}`)
  }
}
