//! A small text that outlives the process, written without holding up the one who writes it: a disk
//! that is slow at the moment of a take-over must not delay the calls.
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { errorText, readFileBytes } from './files.ts'

interface KeptFileEffects {
  write(path: string, text: string): Promise<void>
  /** Until the next attempt after a failure. */
  pause(): Promise<void>
}

const retryMs = 1_000

const diskEffects: KeptFileEffects = {
  write: writeWhole,
  pause: () => setTimeout(retryMs, undefined, { ref: false }),
}

export class KeptFile {
  readonly #path: string
  readonly #onError: (text: string) => void
  readonly #effects: KeptFileEffects
  #wanted: (() => string) | null = null
  #writing: Promise<void> | null = null
  #attempt: Promise<void> = Promise.resolve()
  #failing = false
  /** A new wish does not wait for the end of the pause. */
  #wake: () => void = () => {}

  constructor(path: string, onError: (text: string) => void, effects = diskEffects) {
    this.#path = path
    this.#effects = effects
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
    this.#failing = false
    this.#wake()
    this.#writing ??= this.#write()
  }

  /** Resolves when nothing waits to be written, or when it could not be written just now. */
  async settled(): Promise<void> {
    while (this.#writing !== null && !this.#failing) await this.#attempted()
  }

  #attempted(): Promise<void> {
    return this.#attempt.catch(() => {})
  }

  async #write(): Promise<void> {
    while (this.#wanted !== null) {
      const text = this.#wanted()
      this.#wanted = null
      try {
        this.#attempt = this.#effects.write(this.#path, text)
        await this.#attempt
        this.#failing = false
      } catch (error) {
        this.#failing = true
        this.#onError(`${this.#path}: ${errorText(error)}`)
        // The last wish stays one until it is carried out, or a newer one takes its place.
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        await Promise.race([this.#effects.pause(), woken])
        this.#wanted ??= () => text
      }
    }
    this.#writing = null
  }
}

/** So that a reader, also after a loss of power, finds the old or the new content and never a part: temporary
 * file, fsync, rename, fsync of the directory. On the thread pool. */
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
