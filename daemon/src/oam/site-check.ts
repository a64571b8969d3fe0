//! A site file is checked beside the loop of the switch: one with 10,000 accounts takes most of a second, in
//! which no call could be answered.

import { inBackground } from '../platform/background.ts'
import { errorText } from '../platform/files.ts'
import { failure, type Result, success } from '../result.ts'
import { type CheckedSite, checkSite, parsed } from './site-config.ts'
import type { Site } from './site-config-schema.ts'

/** A thread costs some 50 ms; a shorter file is read in less. */
const lengthMax = 16_384

/** As `checkSite`. `config-syntax`: the file is too large for the memory it may take. */
export async function checkSiteAside(text: string, realm: string): Promise<Result<CheckedSite>> {
  if (text.length <= lengthMax) return success(checkSite(text, realm))
  const entry = new URL('./site-check-thread.ts', import.meta.url)
  try {
    return success((await inBackground(entry, { text, realm })) as CheckedSite)
  } catch (error) {
    return failure('config-syntax', `the file cannot be read: ${errorText(error)}`)
  }
}

/** As `parseSite`. */
export async function parseSiteAside(text: string, realm: string): Promise<Result<Site>> {
  const checked = await checkSiteAside(text, realm)
  return checked.ok ? parsed(checked.value) : checked
}
