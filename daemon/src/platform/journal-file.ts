//! One file that is appended to, for the journal. Synchronous: it lies on a memory file system.
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import type { JournalFile } from '../replication/journal.ts'

/** @param path in the run directory. */
export function openJournalFile(path: string): JournalFile {
  let handle: number | null = null
  const close = () => {
    if (handle !== null) closeSync(handle)
    handle = null
  }
  const attempt = (action: () => void): boolean => {
    try {
      action()
      return true
    } catch {
      return false
    }
  }
  return {
    read: () => {
      try {
        return readFileSync(path)
      } catch {
        return null
      }
    },
    append: (bytes) =>
      attempt(() => {
        handle ??= openSync(path, 'a', 0o600)
        let at = 0
        while (at < bytes.length) at += writeSync(handle, bytes, at)
      }),
    replace: (bytes) =>
      attempt(() => {
        close()
        writeFileSync(`${path}.new`, bytes, { mode: 0o600 })
        renameSync(`${path}.new`, path)
      }),
    remove: () => {
      attempt(() => {
        close()
        rmSync(path, { force: true })
      })
    },
  }
}
