//! The run directory of a node: on a memory file system, as `/run` is on a real one. The journal of a node that is
//! alone is written there several times a call.
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const memory = '/dev/shm'

/** Makes `run` in this directory; where there is no memory file system for everybody, on the disk.
 * @returns removes what lies outside of the directory */
export function makeRunFolder(directory: string): () => void {
  const run = join(directory, 'run')
  try {
    accessSync(memory, constants.W_OK)
  } catch {
    mkdirSync(run, { recursive: true })
    return () => undefined
  }
  const folder = mkdtempSync(join(memory, 'vccs-lab-'))
  mkdirSync(directory, { recursive: true })
  symlinkSync(folder, run)
  return () => rmSync(folder, { recursive: true, force: true })
}
