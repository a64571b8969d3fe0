//! Files: bounded reads, and writes that are either whole or not there.
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'

type ReadFailure = 'missing' | 'denied' | 'too-long' | 'not-a-file' | 'failed'

type FileRead =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly ok: false; readonly reason: ReadFailure; readonly detail: string }

/** Reads a whole regular file of at most `bytesMax` bytes. `mode` holds the permission bits of the
 * file that was read, taken from its open descriptor so that nobody can swap it in between. */
export function readFileBytes(path: string, bytesMax: number): FileRead {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    return { ok: false, ...openFailure(error) }
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { ok: false, reason: 'not-a-file', detail: 'not a regular file' }
    const bytes = new Uint8Array(bytesMax + 1)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, null)
      if (count === 0) break
      length += count
    }
    if (length > bytesMax) {
      return { ok: false, reason: 'too-long', detail: `longer than ${bytesMax} bytes` }
    }
    return { ok: true, bytes: bytes.slice(0, length), mode: stat.mode & 0o7777 }
  } catch (error) {
    return { ok: false, reason: 'failed', detail: errorText(error) }
  } finally {
    closeSync(fd)
  }
}

function openFailure(error: unknown): { reason: ReadFailure; detail: string } {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return { reason: 'missing', detail: 'no such file' }
  if (code === 'EACCES' || code === 'EPERM') return { reason: 'denied', detail: 'no permission' }
  return { reason: 'failed', detail: errorText(error) }
}

/** The text of an error without its stack. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Replaces a file of a memory file system: whole or not at all for a reader, gone with the power. Throws
 * when it cannot. */
export function replaceFile(path: string, text: string, mode = 0o600): void {
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}

/** Makes a directory and its parents; an existing one is left as it is. */
export function makeDirectory(path: string, mode = 0o750): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode })
}

export function fileExists(path: string): boolean {
  return existsSync(path)
}

export function removeFile(path: string): void {
  rmSync(path, { force: true })
}

export function setFileMode(path: string, mode: number): void {
  chmodSync(path, mode)
}

/** Gives a file mode 0600, and makes it when it is missing, so that there is no moment in which others
 * can read it. When that is not possible, the one who opens the file next will say why. */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
  } catch {
    // Nothing was made that others could read.
  }
}

/** The small text files of /proc and /sys; undefined when the file is not there. */
export function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
