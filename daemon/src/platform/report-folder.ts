//! A folder of reports: written whole and in the background, the oldest removed. Their names begin with
//! the time.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorText } from './files.ts'

export class ReportFolder {
  readonly #path: string
  readonly #kept: number
  readonly #onError: (text: string) => void
  #work: Promise<void> = Promise.resolve()

  /** @param reportsKept each in two files. */
  constructor(path: string, reportsKept: number, onError: (text: string) => void) {
    this.#path = path
    this.#kept = 2 * reportsKept
    this.#onError = onError
  }

  write(name: string, text: string): void {
    this.#work = this.#work
      .then(() => this.#write(name, text))
      .catch((error: unknown) => this.#onError(`${join(this.#path, name)}: ${errorText(error)}`))
  }

  /** Resolves when everything is written. */
  settled(): Promise<void> {
    return this.#work
  }

  async #write(name: string, text: string): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o750 })
    await writeFile(join(this.#path, name), text, { mode: 0o640 })
    const names = (await readdir(this.#path)).sort()
    for (const old of names.slice(0, Math.max(0, names.length - this.#kept))) {
      await rm(join(this.#path, old), { force: true })
    }
  }
}
