/** The public surface of Fanfold as a library. Each model is also usable alone: `fanfold/social`, `/orders`, `/payments`. */

export type { FanfoldOptions } from './app/base.ts'
export { createFanfold, type Fanfold } from './app/fanfold.ts'
export type { CommandContext } from './core/command.ts'
export type { Config } from './core/config.ts'
export type { Page, PageRequest } from './core/cursor.ts'
export { AppError, ERROR_CODES, type ErrorCode, type FieldProblem, isAppError } from './core/errors.ts'
export { LIMITS } from './core/limits.ts'
export { createLogger, type Logger } from './core/logger.ts'
export { VERSION } from './core/version.ts'
export type { RankTimeline } from './social/timelines/ranking.ts'
