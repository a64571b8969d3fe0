//! Questions to a person. Loaded only when one is asked: inquirer takes longer to start than `status`.
import inquirer from 'inquirer'
import { CliFailure } from './failure.ts'
import type { Question } from './terminal.ts'

// Prompts go to standard error, so that standard output holds the result alone.
const prompt = inquirer.createPromptModule({ output: process.stderr })

export async function confirm(message: string): Promise<boolean> {
  const { answer } = await cancellable(() =>
    prompt<{ answer: boolean }>([{ type: 'confirm', name: 'answer', message, default: false }]),
  )
  return answer
}

export async function input({ message, initial, validate }: Question): Promise<string> {
  const question = { type: 'input' as const, name: 'answer' as const, message }
  const { answer } = await cancellable(() =>
    prompt<{ answer: string }>([
      {
        ...question,
        ...(initial === undefined ? {} : { default: initial }),
        ...(validate === undefined ? {} : { validate }),
      },
    ]),
  )
  return answer.trim()
}

/** Ctrl-C at a question means no. */
async function cancellable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') {
      throw new CliFailure('not-confirmed', 'Interrupted; nothing was changed')
    }
    throw error
  }
}
