//! A small text that outlives the process, written without holding up the one who writes it: a disk
//! that is slow at the moment of a take-over must not delay the calls.
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorText, readFileBytes } from './files.ts'

export class KeptFile {
  readonly #path: string
  readonly #onError: (text: string) => void
  #wanted: (() => string) | null = null
  #writing: Promise<void> | null = null

  constructor(path: string, onError: (text: string) => void) {
    this.#path = path
    this.#onError = onError
  }

  /** @returns null when there is none, or it cannot be read. */
  read(bytesMax: number): string | null {
    const file = readFileBytes(this.#path, bytesMax)
    if (file.ok) return new TextDecoder().decode(file.bytes)
    if (file.reason !== 'missing') this.#onError(`${this.#path}: ${file.detail}`)
    return null
  }

  /** Writes what `text` gives when its turn comes: of several wishes only the last one is carried out.
   * A reader finds the old or the new text, never a part of it. */
  keep(text: () => string): void {
    this.#wanted = text
    this.#writing ??= this.#write()
  }

  /** Resolves when nothing waits to be written. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#wanted !== null) {
      const text = this.#wanted()
      this.#wanted = null
      try {
        await writeWhole(this.#path, text)
      } catch (error) {
        this.#onError(`${this.#path}: ${errorText(error)}`)
      }
    }
    this.#writing = null
  }
}

/** As `writeFileAtomic`, on the thread pool. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
