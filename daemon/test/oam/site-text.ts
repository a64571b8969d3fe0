//! The text of a site, read.
import { readFileSync } from 'node:fs'
import { parseSite } from '../../src/oam/site-config.ts'

export const example = readFileSync(
  new URL('../../../etc/site.example.yaml', import.meta.url),
  'utf8',
)
export const realm = 'tower'

export function parsed(text: string) {
  const site = parseSite(text, realm)
  if (!site.ok) throw new Error(site.failure.detail)
  return site.value
}
