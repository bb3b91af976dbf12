"""How a service sends: well, badly, late, twice or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simulator.browser.collisions import Driver
from simulator.browser.safari import ScriptError
from simulator.exchange import Call, Dropped, Effect, Refused, Reply, Sent
from simulator.scenario.behaviours import Behaviour
from simulator.services import wire

if TYPE_CHECKING:
    from simulator.scenario import Rule
    from simulator.services.service import Service

__all__ = ["act"]

DRIVER_ERROR = "Safari got an error: AppleEvent timed out. (-1712)"
DELIVERY_ERROR = "delivery_failed: message may not have been delivered"
TIMEOUT_SECONDS = 0.2
SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Scene:
    service: Service
    call: Call
    effect: Effect
    rule: Rule
    driver: Driver

    async def perform(self) -> Sent:
        return await _perform(self.service, self.call, self.effect)

    def failure(self, error: str) -> Reply:
        return self.with_status(self.service.failed(self.call, self.rule.error or error))

    def broken(self) -> Reply:
        if self.rule.error is not None:
            return self.failure(self.rule.error)
        return self.with_status(self.service.failed_script(self.call, ScriptError(DRIVER_ERROR)))

    def with_status(self, reply: Reply) -> Reply:
        if self.rule.status is not None:
            reply.status = self.rule.status
        return reply


async def act(service: Service, call: Call, effect: Effect) -> Reply:
    """Carry out one acting request that was found valid."""
    rule = call.rule
    driver = Driver(service.name, call.request_id, effect.recipient, effect.text)
    if rule is not None and rule.behaviour in service.refusals:
        return service.refusals[rule.behaviour](call)
    service.host.collisions.take(driver)
    try:
        if rule is None:
            return await _send(service, call, effect, service.latency_seconds)
        return await _play(_Scene(service, call, effect, rule, driver))
    except Refused as refused:
        return refused.reply or service.failed(call, str(refused), refused.attempts)
    except ScriptError as error:
        return service.failed_script(call, error)
    finally:
        if not driver.left_behind:
            service.host.collisions.leave(driver)


async def _send(service: Service, call: Call, effect: Effect, seconds: float) -> Reply:
    if seconds:
        await asyncio.sleep(seconds)
    sent = await _perform(service, call, effect)
    return Reply(200, service.succeeded(call, effect, sent))


async def _perform(service: Service, call: Call, effect: Effect) -> Sent:
    sent = await service.perform(service.hands(call, effect), call, effect)
    service.limits.count()
    return sent


async def _play(scene: _Scene) -> Reply:
    match scene.rule.behaviour:
        case Behaviour.REFUSE_BEFORE_SEND:
            return scene.failure(scene.service.before_send_error)
        case Behaviour.FAIL:
            return scene.broken()
        case (
            Behaviour.GATEWAY_TIMEOUT
            | Behaviour.GATEWAY_TIMEOUT_THEN_POST
            | Behaviour.GATEWAY_TIMEOUT_THEN_CRASH
        ):
            return await _time_out(scene)
        case Behaviour.HANG_THEN_POST:
            scene.driver.left_behind = True
            scene.service.later(_land_late(scene, scene.rule.seconds or 0.0))
            await wire.hang(scene.call)
            raise Dropped
    return await _act_by_rule(scene)


async def _act_by_rule(scene: _Scene) -> Reply:
    service, rule = scene.service, scene.rule
    if rule.behaviour is Behaviour.HELD:
        if not await service.host.hold.over():
            raise Dropped
    else:
        default = SLOW_SECONDS if rule.behaviour is Behaviour.SLOW else service.latency_seconds
        await asyncio.sleep(default if rule.seconds is None else rule.seconds)
    sent = await scene.perform()
    match rule.behaviour:
        case Behaviour.FAIL_AFTER_EFFECT:
            return scene.failure(DELIVERY_ERROR)
        case Behaviour.CRASH_AFTER_EFFECT:
            service.die(rule.restart_after_seconds)
            raise Dropped
        case Behaviour.VERIFIED_ABSENT:
            sent = replace(sent, verified=None)
    return Reply(200, service.succeeded(scene.call, scene.effect, sent))


async def _time_out(scene: _Scene) -> Reply:
    rule = scene.rule
    await asyncio.sleep(TIMEOUT_SECONDS if rule.seconds is None else rule.seconds)
    scene.driver.left_behind = True
    scene.service.later(_land_late(scene, rule.type_on_seconds))
    return Reply(504, {"error": "Gateway Timeout", "message": scene.service.timeout_text})


async def _land_late(scene: _Scene, seconds: float) -> None:
    service, rule = scene.service, scene.rule
    try:
        await asyncio.sleep(seconds)
        if rule.behaviour is not Behaviour.GATEWAY_TIMEOUT:
            await scene.perform()
    except (Refused, ScriptError):
        pass  # it has nobody left to tell
    finally:
        service.host.collisions.leave(scene.driver)
    told = rule.behaviour is Behaviour.GATEWAY_TIMEOUT_THEN_CRASH
    timed_out = rule.behaviour is not Behaviour.HANG_THEN_POST
    if told or (timed_out and service.dies_after_timeout):
        service.die(rule.restart_after_seconds)
