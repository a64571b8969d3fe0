//! What is known beside the calls: who is logged in at a position (席位), and who is told of what (RFC 6665).
import type { LabNode } from '../../../../scripts/lab-node.ts'
import type { Desk } from '../desk.ts'
import { accept, answers, dial, dials, hangUp, type Row, rings } from '../row.ts'

export const events: readonly Row[] = [
  {
    key: '38',
    service: 'busy lamp',
    state: 'told that the number rings (dialog, presence)',
    dials: [dial('ring', '3801', '3802')],
    manual: ['3802'],
    watches: [
      { from: '3803', event: 'dialog', watched: '3802', accepts: 'application/dialog-info+xml' },
      { from: '3804', event: 'presence', watched: '3802', accepts: 'application/pidf+xml' },
    ],
    steps: {
      ring: async (scene) => {
        await rings(scene, '3802')
        await Promise.all([
          scene.desk.isTold('3803', /<state>early</),
          scene.desk.isTold('3804', /<note>busy</),
        ])
      },
    },
    stands: { '3801': 'calling', '3802': 'ringing' },
    outcome: 'told of the answer and of the end, each NOTIFY the next one of its dialog',
    complete: async (scene) => {
      await accept(scene, '3802')
      await scene.desk.isTold('3803', /<state>confirmed</)
    },
    completed: { '3801': 'talking', '3802': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '3802')
      await Promise.all([
        scene.desk.isTold('3803', /<dialog-info[^>]*\/>/),
        scene.desk.isTold('3804', /<note>registered</),
      ])
      for (const subscriber of ['3803', '3804']) isUnbroken(scene.desk, subscriber)
    },
  },
  {
    key: '39',
    service: 'position',
    state: 'logged in',
    auto: ['3901'],
    manual: ['3902'],
    accounts: { '3902': { type: 'position' } },
    site: { positions: { west: { name: 'West', account: '3902' } } },
    steps: { ring: ({ node }) => isLoggedIn(node, 'west', '3902') },
    stands: {},
    outcome: 'logged in; a call rings there, and is answered',
    complete: async (scene) => {
      await isLoggedIn(scene.node, 'west', '3902')
      const rung = answers(scene, '3902')
      await dials(scene, '3901', '3902')
      await rung
    },
    completed: { '3901': 'talking', '3902': 'talking' },
    end: (scene) => hangUp(scene, '3902'),
  },
]

async function isLoggedIn(node: LabNode, position: string, loginName: string): Promise<void> {
  const { positions } = await node.ask('positions', {})
  const found = positions.find((one) => one.position === position)
  const lasts = Date.parse(found?.expiresAt ?? '') > Date.now()
  if (found?.connection === 'connected' && found.loginName === loginName && lasts) return
  throw new Error(`${position}: ${JSON.stringify(found)}`)
}

/** No NOTIFY is missing, none has come after a later one, and the documents of the dialog package are numbered as
 * they are (RFC 4235 4.1). */
function isUnbroken(desk: Desk, subscriber: string): void {
  const told = desk.notified(subscriber).map(({ sequence, text }) => {
    return { sequence, version: Number(/ version="(\d+)"/.exec(text)?.[1] ?? sequence) }
  })
  const isSo = told.every(({ sequence, version }, index) => {
    const before = told[index - 1]
    if (before === undefined) return true
    return sequence === before.sequence + 1 && version === before.version + 1
  })
  if (!isSo) throw new Error(`${subscriber} was told ${JSON.stringify(told)}`)
}
