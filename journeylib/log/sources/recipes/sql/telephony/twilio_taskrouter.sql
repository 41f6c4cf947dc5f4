/*
recipe: twilio_taskrouter
version: 1
title: Twilio TaskRouter
export: TaskRouter events of Event Streams (CloudEvents), as JSON lines.
tells: Queue, ringing, the agent's acceptance, transfers, who left the queue, wrap-up.
lacks: >-
  No words and no bot: what happens before the task is elsewhere. The customer stands in the task's
  own attributes; the SQL looks for customer_id, identity, email and from.
inputs:
  events:
    keys: [specversion, type, data, time]
    tables: [events, taskrouter_events]
    once: [id]
    fields:
      id:
      type:
      time:
      data:
        group:
        name:
        timestamp:
        payload:
          {task_sid: , task_attributes: json, task_channel_unique_name: , workflow_name: ,
           task_queue_name: , worker_name: , reservation_sid: }
settings: {journeys: {bad_ends: [Left the queue]}}
*/
WITH acts AS (
    SELECT
        *,
        data.payload AS p,
        json_of(data.payload.task_attributes) AS a,
        regexp_replace(type, '^com\.twilio\.taskrouter\.', '') AS kind
    FROM events
    WHERE starts_with(type, 'com.twilio.taskrouter.')
)

SELECT
    coalesce(a ->> 'customer_id', a ->> 'identity', a ->> '$.customers.external_id',
        a ->> 'email', a ->> 'from', 'task:' || p.task_sid) AS customer,
    coalesce(a ->> '$.conversations.conversation_id', a ->> 'channelSid', a ->> 'call_sid',
        p.task_sid) AS session,
    coalesce(data.timestamp, time) AS timestamp,
    row_number() OVER (ORDER BY id) AS position,
    CASE WHEN kind = 'reservation.accepted' THEN 'human' WHEN kind = 'task.canceled' THEN 'customer'
        ELSE 'system' END AS actor,
    CASE kind
        WHEN 'task.created' THEN 'Task created'
        WHEN 'task-queue.entered' THEN 'Queue'
        WHEN 'reservation.created' THEN 'Agent rings'
        WHEN 'reservation.accepted' THEN 'Agent answers'
        WHEN 'reservation.rejected' THEN 'Agent declines'
        WHEN 'reservation.timeout' THEN 'Agent does not answer'
        WHEN 'task.transfer-initiated' THEN 'Passed to a team'
        WHEN 'task.canceled' THEN 'Left the queue'
        WHEN 'task.wrapup' THEN 'Wrap-up'
        WHEN 'task.completed' THEN 'Closed'
        ELSE kind
    END AS touchpoint,
    p.task_channel_unique_name AS channel,
    coalesce(p.worker_name, p.task_queue_name) AS resource,
    CASE WHEN kind = 'reservation.accepted' THEN 'front'
        WHEN kind IN ('task-queue.entered', 'task.canceled', 'task.created') THEN 'middle'
        ELSE 'back' END AS office,
    CASE WHEN kind NOT IN ('task.created', 'task-queue.entered', 'reservation.created',
        'reservation.accepted', 'reservation.rejected', 'reservation.timeout',
        'task.transfer-initiated', 'task.canceled', 'task.wrapup', 'task.completed')
        THEN kind END AS _unknown
FROM acts
