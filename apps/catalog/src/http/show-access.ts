import type { INestApplication, Type } from '@nestjs/common';
import { RequestMethod } from '@nestjs/common';
import { GUARDS_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { ApiBearerAuth, ApiExtension, ApiHeader } from '@nestjs/swagger';
import { AdminGuard, neededRoleOf } from '#libs/service';

/**
 * Has the document say of every route that `AdminGuard` watches, whichever stage's it is: that it needs a token, with which role at least
 * (`x-role`), and that a wish can be named where something changes. Read from the guard itself, so that nobody can forget to say it.
 */
export function showAccess(app: INestApplication): void {
  const discovery = new DiscoveryService(app.get(ModulesContainer));
  for (const { metatype } of discovery.getControllers()) {
    if (typeof metatype === 'function')
      for (const route of routesOf(metatype as Type)) showRoute(metatype as Type, route);
  }
}

interface Route {
  readonly name: string;
  readonly handler: (...args: unknown[]) => unknown;
  readonly descriptor: PropertyDescriptor;
}

function routesOf({ prototype }: Type): Route[] {
  return Object.entries(Object.getOwnPropertyDescriptors<Record<string, unknown>>(prototype)).flatMap(
    ([name, descriptor]) => {
      const handler: unknown = descriptor.value;
      if (typeof handler !== 'function' || !Reflect.hasMetadata(METHOD_METADATA, handler)) return [];
      return [{ name, handler: handler as Route['handler'], descriptor }];
    },
  );
}

function showRoute(controller: Type, { name, handler, descriptor }: Route): void {
  if (shown.has(handler) || ![controller, handler].some(isGuarded)) return;
  shown.add(handler);
  const verb: unknown = Reflect.getMetadata(METHOD_METADATA, handler);
  const reads = verb === RequestMethod.GET || verb === RequestMethod.HEAD;
  const decorators = [ApiBearerAuth('admin'), ApiExtension('x-role', neededRoleOf(controller, handler, reads))];
  if (!reads) decorators.push(ApiHeader({ name: 'Idempotency-Key', required: false, description: wish }));
  for (const decorate of decorators) decorate(controller.prototype as object, name, descriptor);
}

const wish =
  'Names the wish: told again, it is carried out once; told with another request, it is refused. Each token’s are its own.';

/** Decorators add up, and a process may describe several applications. */
const shown = new WeakSet<object>();

function isGuarded(target: object): boolean {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, target);
  return Array.isArray(guards) && guards.includes(AdminGuard);
}
