//! Positions log in and out with their account (S1.79).
import { createHash } from 'node:crypto'
import test from 'ava'
import { listPositions } from '../../src/oam/position-list.ts'
import { emptyPlan } from '../../src/switching/plan.ts'
import { headerValues } from '../../src/wire/sip/message.ts'
import { type Phone, Stage } from './core-stage.ts'
import { changeProfile } from './profile-change.ts'

const plan = {
  ...emptyPlan,
  positions: ['101', '102', '104'].map((account, index) => ({
    position: `TWR-${index + 1}`,
    displayName: `Tower ${index + 1}`,
    role: index === 0 ? 'executive' : '',
    account,
  })),
}

/** As `positions` shows it. */
function listOf({ tables }: Stage) {
  return listPositions({
    places: plan.positions,
    positions: tables.position,
    users: tables.user,
    phoneBook: tables.phoneBook,
    conferences: tables.wiredConference.values(),
  })
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** A stage on which 101 knows its password and is not registered. */
function stageWithPassword(contacts = 1): Stage {
  const stage = new Stage()
  const { phoneBook, user } = stage.tables
  const entry = phoneBook.get('101')
  if (entry === undefined) throw new Error('101 is an account')
  phoneBook.put({ ...entry, ha1Md5: md5('101:vccs.test:secret') })
  changeProfile(stage, '101', { line: { contacts } })
  user.delete('101')
  stage.core.setPlan(plan)
  return stage
}

function register(phone: Phone, lines: string[], callId: string): void {
  phone.remoteUser = phone.number
  phone.remoteTag = ''
  phone.callId = callId
  phone.localTag = callId
  phone.target = `sip:10.0.0.9`
  phone.request('REGISTER', { headers: lines })
  const [challenge = ''] = headerValues(phone.told(401), 'WWW-Authenticate')
  const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? ''
  const ha2 = md5(`REGISTER:${phone.target}`)
  const digest = md5(`${md5('101:vccs.test:secret')}:${nonce}:00000001:abc:auth:${ha2}`)
  phone.request('REGISTER', {
    headers: [
      ...lines,
      `Authorization: Digest username="101", realm="vccs.test", nonce="${nonce}", ` +
        `uri="${phone.target}", qop=auth, nc=00000001, cnonce="abc", algorithm=MD5, response="${digest}"`,
    ],
  })
  phone.told(200)
}

const empty = { loginName: '', connection: 'disconnected' as const, expiresAtMs: 0 }

test('a site that is read shows who is logged in already', (t) => {
  const stage = stageWithPassword()
  t.like(stage.tables.position.get('TWR-2'), { loginName: '102', connection: 'connected' })
  t.deepEqual(stage.tables.position.get('TWR-1'), { position: 'TWR-1', ...empty })
  t.deepEqual(stage.tables.position.get('TWR-3'), { position: 'TWR-3', ...empty })
})

test('REGISTER logs in, its end logs out', (t) => {
  const stage = stageWithPassword()
  register(stage.a, ['Expires: 60'], 'first')
  t.deepEqual(stage.tables.position.get('TWR-1'), {
    position: 'TWR-1',
    loginName: '101',
    connection: 'connected',
    expiresAtMs: stage.now.wallMs + 60_000,
  })
  stage.pass(30_000)
  register(stage.a, ['Expires: 60'], 'second')
  t.is(stage.tables.position.get('TWR-1')?.expiresAtMs, stage.now.wallMs + 60_000)
  register(stage.a, ['Expires: 0'], 'third')
  t.deepEqual(stage.tables.position.get('TWR-1'), { position: 'TWR-1', ...empty })
})

test('the time-out logs out, also at the node that has taken over', (t) => {
  const stage = stageWithPassword()
  register(stage.a, ['Expires: 60'], 'first')
  stage.pass(50_000)
  stage.takeOver()
  stage.core.setPlan(plan)
  t.like(stage.tables.position.get('TWR-1'), { loginName: '101', connection: 'connected' })
  stage.pass(9_000)
  t.is(stage.tables.position.get('TWR-1')?.connection, 'connected')
  stage.pass(2_000)
  t.deepEqual(stage.tables.position.get('TWR-1'), { position: 'TWR-1', ...empty })
})

test('a position with several terminals is logged in until the last of them ends', (t) => {
  const stage = stageWithPassword(2)
  const other = 'Contact: <sip:101@10.0.7.7:5060>;expires=120'
  register(stage.a, ['Expires: 60', other], 'both')
  t.is(stage.tables.user.get('101')?.others?.length, 1)
  stage.pass(61_000)
  t.like(stage.tables.position.get('TWR-1'), { loginName: '101', connection: 'connected' })
  stage.pass(60_000)
  t.deepEqual(stage.tables.position.get('TWR-1'), { position: 'TWR-1', ...empty })
})

test('the list of positions names terminals, calls and what is set', (t) => {
  const stage = stageWithPassword()
  register(stage.a, ['Expires: 60'], 'first')
  changeProfile(stage, '101', { settings: { doNotDisturb: true } })
  stage.b.call('103')
  const [first, second, third] = listOf(stage)
  t.like(first, {
    position: 'TWR-1',
    name: 'Tower 1',
    role: 'executive',
    account: '101',
    connection: 'connected',
    loginName: '101',
    expiresAt: new Date(stage.now.wallMs + 60_000).toISOString(),
    calls: 0,
    doNotDisturb: true,
  })
  t.deepEqual(first?.terminals, ['10.0.1.01:5060'])
  t.like(second, { connection: 'connected', calls: 1, doNotDisturb: false })
  t.like(third, { connection: 'disconnected', loginName: '', expiresAt: null })
  t.deepEqual(third?.terminals, [])
})
