//! The thread of `site-check.ts`: reads one site file.
import { parentPort, workerData } from 'node:worker_threads'
import { checkSite } from './site-config.ts'

const { text, realm } = workerData as { text: string; realm: string }
parentPort?.postMessage(checkSite(text, realm))
