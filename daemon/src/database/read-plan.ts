//! What the core needs of the configuration beside its tables, as its `Plan`.
import { limits } from '../limits.ts'
import type { Sql } from '../platform/sqlite.ts'
import type { Plan } from '../switching/plan.ts'
import { priorities } from '../tables/profile.ts'
import { failOvers, featureCodes, featureNames, toneCountries } from '../tables/site-words.ts'
import { wordsOf } from './account-columns.ts'
import { numberRulesOf } from './number-rules.ts'
import { type ConfigRow, readTable } from './rows.ts'

type Groups = Plan['groups'][number]
type Conference = Plan['conferences'][number]
type Trunk = Plan['trunks'][number]
type Route = Plan['routes'][number]

export async function readPlan(sql: Sql): Promise<Plan> {
  const rows = async (table: Parameters<typeof readTable>[1]) => [
    ...(await readTable(sql, table)).values(),
  ]
  const members = await rows('group_members')
  const seats = await rows('conference_members')
  const features = await readTable(sql, 'feature_codes')
  const roles = await readTable(sql, 'position_roles')
  const settings = await readTable(sql, 'site_settings')
  const tones = settings.get('tones')?.value
  return {
    groups: (await rows('groups')).map((row) => groupOf(row, members)),
    conferences: (await rows('conferences')).map((row) => conferenceOf(row, seats)),
    features: featuresOf(features),
    trunks: (await rows('trunks')).map(trunkOf),
    routes: (await rows('routes')).map(routeOf),
    positions: (await rows('positions')).map((row) => ({
      position: text(row, 'position'),
      displayName: text(row, 'display_name'),
      role: String(roles.get(text(row, 'position'))?.role ?? ''),
      account: text(row, 'account'),
    })),
    tones: toneCountries.find((one) => one === tones) ?? 'europe',
    monitoringTone: settings.get('monitoring_tone')?.value === 'on',
    conferenceTones: settings.get('conference_tones')?.value !== 'off',
  }
}

function text(row: ConfigRow, column: string): string {
  return String(row[column] ?? '')
}

function groupOf(row: ConfigRow, members: readonly ConfigRow[]): Groups {
  const name = text(row, 'name')
  return {
    name,
    displayName: text(row, 'display_name'),
    number: text(row, 'number') || null,
    mode: row.mode === 'all' ? 'all' : 'first',
    noAnswerSeconds: Number(row.no_answer_seconds) || limits.noAnswerMs / 1000,
    members: members.filter((one) => one.group_name === name).map((one) => text(one, 'number')),
  }
}

function conferenceOf(row: ConfigRow, seats: readonly ConfigRow[]): Conference {
  const name = text(row, 'conference')
  return {
    name,
    displayName: text(row, 'display_name'),
    number: text(row, 'number'),
    kind: row.kind === 'preset' ? 'preset' : 'meet-me',
    pinHash: text(row, 'pin_hash') || null,
    locked: row.locked === 1,
    membersMax: Number(row.members_max) || limits.conferenceMembersMax,
    members: seats
      .filter((seat) => seat.conference === name)
      .map((seat) => ({
        number: text(seat, 'number'),
        mayTalk: seat.listens_only !== 1,
        gainDb: Number(seat.gain_db),
      })),
  }
}

function featuresOf(rows: ReadonlyMap<string, ConfigRow>): Plan['features'] {
  const entries = featureNames.map((name) => {
    const digits = String(rows.get(name)?.digits ?? featureCodes[name].digits)
    return [name, digits === 'off' ? null : digits]
  })
  return Object.fromEntries(entries) as Plan['features']
}

function trunkOf(row: ConfigRow): Trunk {
  const at = (column: string) => text(row, column)
  const rules = (column: string) => numberRulesOf(at(column))
  const address = at('address')
  const login = {
    user: at('login_user'),
    ha1Md5: at('ha1_md5'),
    ha1Sha256: at('ha1_sha256'),
    peerRealm: at('peer_realm'),
    peerHa1Md5: at('peer_ha1_md5'),
    peerHa1Sha256: at('peer_ha1_sha256'),
  }
  return {
    name: at('trunk'),
    displayName: at('display_name'),
    peer: address === '' ? null : { address, port: Number(row.port) || 5060 },
    account: at('account') || null,
    trust: row.trust === 'digest' ? 'digest' : 'address',
    login: login.user === '' ? null : login,
    capacity: Number(row.capacity) || limits.sessionsMax,
    optionsSeconds: Number(row.options_seconds),
    responseSeconds: Number(row.response_seconds) || 4,
    classes: wordsOf(at('classes')),
    priorityMax: priorities.find((one) => one === row.priority_max) ?? 'emergency',
    monitor: row.may_monitor === 1,
    outgoing: { called: rules('outgoing_called'), caller: rules('outgoing_caller') },
    incoming: { called: rules('incoming_called'), caller: rules('incoming_caller') },
  }
}

function routeOf(row: ConfigRow): Route {
  const why = wordsOf(text(row, 'fail_over'))
  return {
    name: text(row, 'route'),
    pattern: text(row, 'pattern'),
    priority: Number(row.priority) || 50,
    class: text(row, 'class'),
    trunks: wordsOf(text(row, 'trunks')),
    failOver: why.length === 0 ? failOvers : failOvers.filter((one) => why.includes(one)),
  }
}
