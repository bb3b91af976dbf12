"""How a service sends: well, badly, late, twice or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator import wire
from simulator.behaviours import REFUSALS, Behaviour
from simulator.exchange import Call, Dropped, Effect, Reply
from simulator.safari import Driver

if TYPE_CHECKING:
    from simulator.scenario import Rule
    from simulator.service import Service

__all__ = ["act"]

DRIVER_ERROR = "osascript timed out"
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

    def publish(self) -> None:
        self.service.publish(self.call, self.effect)

    def success(self, *, verified: bool | None) -> Reply:
        body = self.service.succeeded(self.call, self.effect, verified=verified)
        return Reply(200, body)

    def failure(self, error: str) -> Reply:
        reply = self.service.failed(self.call, self.rule.error or error)
        if self.rule.status is not None:
            reply.status = self.rule.status
        return reply


async def act(service: Service, call: Call, effect: Effect) -> Reply:
    """Carry out one acting request that was found valid."""
    rule = call.rule
    driver = Driver(service.name, call.request_id, effect.recipient, effect.text)
    if rule is None:
        with service.outside.safari.driven_by(driver):
            if service.latency_seconds:
                await asyncio.sleep(service.latency_seconds)
            service.publish(call, effect)
        return Reply(200, service.succeeded(call, effect, verified=True))
    if rule.behaviour in REFUSALS and rule.behaviour in service.refusals:
        return service.refusals[rule.behaviour](call)
    service.outside.safari.take(driver)
    try:
        return await _play(_Scene(service, call, effect, rule, driver))
    finally:
        if not driver.left_behind:
            service.outside.safari.leave(driver)


async def _play(scene: _Scene) -> Reply:
    match scene.rule.behaviour:
        case Behaviour.REFUSE_BEFORE_SEND:
            return scene.failure(scene.service.before_send_error)
        case Behaviour.FAIL:
            return scene.failure(DRIVER_ERROR)
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
    return await _send(scene)


async def _send(scene: _Scene) -> Reply:
    service, rule = scene.service, scene.rule
    default = SLOW_SECONDS if rule.behaviour is Behaviour.SLOW else service.latency_seconds
    await asyncio.sleep(default if rule.seconds is None else rule.seconds)
    scene.publish()
    match rule.behaviour:
        case Behaviour.FAIL_AFTER_EFFECT:
            return scene.failure(DELIVERY_ERROR)
        case Behaviour.CRASH_AFTER_EFFECT:
            service.die(rule.restart_after_seconds)
            raise Dropped
        case Behaviour.VERIFIED_ABSENT:
            return scene.success(verified=None)
        case Behaviour.UNVERIFIED:
            if service.sends_again_when_unverified(scene.call):
                scene.publish()
            return scene.success(verified=False)
    return scene.success(verified=True)


async def _time_out(scene: _Scene) -> Reply:
    rule = scene.rule
    await asyncio.sleep(TIMEOUT_SECONDS if rule.seconds is None else rule.seconds)
    scene.driver.left_behind = True
    scene.service.later(_land_late(scene, rule.type_on_seconds))
    message = "Request timed out after 30s"
    return Reply(504, {"error": "Gateway Timeout", "message": message})


async def _land_late(scene: _Scene, seconds: float) -> None:
    service, rule = scene.service, scene.rule
    try:
        await asyncio.sleep(seconds)
        if rule.behaviour is not Behaviour.GATEWAY_TIMEOUT:
            scene.publish()
    finally:
        service.outside.safari.leave(scene.driver)
    told = rule.behaviour is Behaviour.GATEWAY_TIMEOUT_THEN_CRASH
    timed_out = rule.behaviour is not Behaviour.HANG_THEN_POST
    if told or (timed_out and service.dies_after_timeout):
        service.die(rule.restart_after_seconds)
