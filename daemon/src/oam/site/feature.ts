//! Digits of the services that a telephone asks for by dialling, and whose tones it hears.
import { z } from 'zod'
import {
  type FeatureName,
  featureCodes,
  featureNames,
  toneCountries,
} from '../../tables/site-words.ts'
import { digits, type SiteRow, textOf } from './words.ts'

const off = 'off'
/** Digits, or `off`. */
const code = (usual: string) =>
  z.union([z.literal(off), z.literal(false).transform(() => off), digits(16)]).default(usual)

const shape = Object.fromEntries(
  featureNames.map((name) => [name, code(featureCodes[name].digits)]),
) as Record<FeatureName, ReturnType<typeof code>>
export const features = z.strictObject(shape).prefault({})
type SiteFeatures = z.output<typeof features>

export const tones = z
  .strictObject({
    country: z.enum(toneCountries).default('europe'),
    /** Those who are monitored by a code hear that they are. */
    monitoring: z.boolean().default(false),
    /** Members of a conference hear that somebody comes or goes. */
    conference: z.boolean().default(true),
  })
  .prefault({})
type SiteTones = z.output<typeof tones>

/** Only what is not usual has a row. */
export function featureRows(site: SiteFeatures): SiteRow[] {
  return featureNames
    .filter((name) => site[name] !== featureCodes[name].digits)
    .map((name) => ({ feature: name, digits: site[name] }))
}

export function featuresOf(rows: ReadonlyMap<string, SiteRow>): SiteFeatures {
  const entries = featureNames.map((name) => {
    const row = rows.get(name)
    return [name, row === undefined ? featureCodes[name].digits : textOf(row, 'digits')]
  })
  return Object.fromEntries(entries) as SiteFeatures
}

/** Only what is not usual has a row. */
export function toneRows({ country, monitoring, conference }: SiteTones): SiteRow[] {
  return [
    ...(country === 'europe' ? [] : [{ name: 'tones', value: country }]),
    ...(monitoring ? [{ name: 'monitoring_tone', value: 'on' }] : []),
    ...(conference ? [] : [{ name: 'conference_tones', value: 'off' }]),
  ]
}

export function tonesOf(rows: ReadonlyMap<string, SiteRow>): SiteTones {
  const country = toneCountries.find((one) => one === rows.get('tones')?.value) ?? 'europe'
  return {
    country,
    monitoring: rows.get('monitoring_tone')?.value === 'on',
    conference: rows.get('conference_tones')?.value !== 'off',
  }
}
