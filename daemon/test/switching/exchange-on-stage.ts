//! An exchange on the tables of a stage, for work that no message of a telephone starts.
import { DigestServer } from '../../src/switching/registrar/digest.ts'
import type { Service } from '../../src/switching/services/service.ts'
import { TransactionLayer } from '../../src/switching/transaction/layer.ts'
import { type Call, withSession } from '../../src/switching/wired/call.ts'
import { Exchange } from '../../src/switching/wired/exchange.ts'
import { type Stage, service } from './core-stage.ts'

const secret = new TextEncoder().encode('a secret of thirty-two bytes ....')
const realm = 'vccs.test'
const newToken = () => 'abcdef0123456789'

export function exchangeOn(stage: Stage, services: readonly Service[] = []): Exchange {
  const sentBy = { address: service, port: 5060 }
  const layer = new TransactionLayer({ sentBy, peerSentBy: null, newBranch: newToken })
  const digest = new DigestServer({ realm, secret, accounts: () => [] })
  const options = {
    ...{ tables: stage.tables, address: service, sipPort: 5060, realm, secret, newToken },
    rtpPorts: { first: 20_000, last: 20_019 },
    random32: () => 7,
  }
  const exchange = new Exchange(options, { layer, digest, services })
  exchange.sessions.rebuild()
  return exchange
}

/** Work on the only session there is. */
export function workOn(stage: Stage, exchange: Exchange, work: (call: Call) => void) {
  const [session] = [...stage.tables.wiredConference.values()]
  const sessionId = session?.sessionId ?? ''
  const now = { ...stage.now, tick: Math.floor(stage.now.tick) }
  return withSession(exchange, { sessionId, now }, work)
}
