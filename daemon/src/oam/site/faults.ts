//! What one value of a site alone cannot tell: everything that is named must exist, and no number may
//! mean two things.
import { featureNames } from '../../tables/site-words.ts'
import type { WrittenSite } from '../site-config-schema.ts'
import type { SiteFault } from './words.ts'

export function siteFaults(site: WrittenSite): SiteFault[] {
  return [
    ...referenceFaults(site),
    ...trunkFaults(site),
    ...memberFaults(site),
    ...numberFaults(site),
  ]
}

type Named = 'accounts' | 'positions' | 'trunks'

function missing(site: WrittenSite, section: Named, key: string, path: PropertyKey[]): SiteFault[] {
  return Object.hasOwn(site[section], key) ? [] : [{ path, text: `${key} is not in ${section}` }]
}

function referenceFaults(site: WrittenSite): SiteFault[] {
  const faults: SiteFault[] = []
  for (const [key, one] of Object.entries(site.positions)) {
    faults.push(...missing(site, 'accounts', one.account, ['positions', key, 'account']))
  }
  for (const [key, one] of Object.entries(site.radios)) {
    faults.push(...missing(site, 'accounts', one.account, ['radios', key, 'account']))
  }
  for (const key of Object.keys(site.keys)) {
    faults.push(...missing(site, 'positions', key, ['keys', key]))
  }
  for (const key of Object.keys(site.roles)) {
    faults.push(...missing(site, 'positions', key, ['roles', key]))
  }
  return faults
}

function trunkFaults(site: WrittenSite): SiteFault[] {
  const faults: SiteFault[] = []
  for (const [key, { account }] of Object.entries(site.trunks)) {
    if (account === undefined) continue
    faults.push(...missing(site, 'accounts', account, ['trunks', key, 'account']))
  }
  for (const [key, { trunks }] of Object.entries(site.routes)) {
    for (const [index, one] of trunks.entries()) {
      const path = ['routes', key, 'trunks', index]
      faults.push(...missing(site, 'trunks', one, path), ...repeated(trunks, index, path))
    }
  }
  return faults
}

function memberFaults(site: WrittenSite): SiteFault[] {
  const faults: SiteFault[] = []
  for (const [key, { members }] of Object.entries(site.groups)) {
    for (const [index, member] of members.entries()) {
      const path = ['groups', key, 'members', index]
      faults.push(...missing(site, 'accounts', member, path), ...repeated(members, index, path))
    }
  }
  for (const [key, { members, membersMax, kind }] of Object.entries(site.conferences)) {
    const numbers = members.map(({ number }) => number)
    for (const index of members.keys()) {
      faults.push(...repeated(numbers, index, ['conferences', key, 'members', index]))
    }
    const path = ['conferences', key]
    if (members.length > membersMax) {
      faults.push({ path: [...path, 'members'], text: `has more members than ${membersMax}` })
    }
    if (kind === 'preset' && members.length === 0) {
      faults.push({ path, text: 'a preset conference needs members' })
    }
  }
  return faults
}

function repeated(list: readonly string[], index: number, path: PropertyKey[]): SiteFault[] {
  const value = list[index] ?? ''
  return list.indexOf(value) === index ? [] : [{ path, text: `${value} is named twice` }]
}

/** Accounts, groups, conferences and services are dialled in the same way. */
function numberFaults(site: WrittenSite): SiteFault[] {
  const faults: SiteFault[] = []
  const owners = new Map(Object.keys(site.accounts).map((key) => [key, `account ${key}`]))
  const take = (value: string | null, owner: string, path: PropertyKey[]) => {
    if (value === null) return
    const other = owners.get(value)
    if (other !== undefined) faults.push({ path, text: `${value} is the number of ${other}` })
    else owners.set(value, owner)
  }
  for (const [key, { number }] of Object.entries(site.groups)) {
    take(number, `group ${key}`, ['groups', key, 'number'])
  }
  for (const [key, { number }] of Object.entries(site.conferences)) {
    take(number, `conference ${key}`, ['conferences', key, 'number'])
  }
  for (const name of featureNames) {
    const code = site.features[name]
    take(code === 'off' ? null : code, `service ${name}`, ['features', name])
  }
  return faults
}
