//! The file of the journal. Synchronous: it lies on a memory file system.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { JournalFile } from '../replication/journal.ts'

/** @param path in the run directory. */
export function openJournalFile(path: string): JournalFile {
  const present = new AppendFile(path)
  const next = new AppendFile(`${path}.new`)
  return {
    read: () => {
      try {
        return readFileSync(path)
      } catch {
        return null
      }
    },
    append: (bytes) => attempt(() => present.append(bytes)),
    beginNext: () => attempt(() => next.remove()),
    appendNext: (bytes) => attempt(() => next.append(bytes)),
    commitNext: () =>
      attempt(() => {
        next.append(new Uint8Array(0))
        next.close()
        present.close()
        renameSync(`${path}.new`, path)
      }),
    remove: () => {
      attempt(() => present.remove())
      attempt(() => next.remove())
    },
  }
}

class AppendFile {
  readonly #path: string
  #handle: number | null = null
  #size = 0

  constructor(path: string) {
    this.#path = path
  }

  append(bytes: Uint8Array): void {
    const handle = this.#handle ?? this.#open()
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at)
    } catch (error) {
      // What follows a torn turn could not be read.
      ftruncateSync(handle, this.#size)
      throw error
    }
    this.#size += bytes.length
  }

  #open(): number {
    const handle = openSync(this.#path, 'a', 0o600)
    this.#handle = handle
    this.#size = fstatSync(handle).size
    return handle
  }

  close(): void {
    const handle = this.#handle
    // The kernel gives a descriptor back also when it tells an error of the last write.
    this.#handle = null
    if (handle !== null) closeSync(handle)
  }

  remove(): void {
    this.close()
    rmSync(this.#path, { force: true })
  }
}

function attempt(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}
