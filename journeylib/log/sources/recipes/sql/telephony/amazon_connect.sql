/*
recipe: amazon_connect
version: 1
title: Amazon Connect
export: Contact records (CTR) as the stream or Firehose writes them, JSON with or without newlines.
tells: The flow before the queue, the queue, the agent, each with its time; who left the queue.
lacks: >-
  No words, and nothing of the customer's own but leaving. After an external transfer the agent
  leaves before the record says so.
inputs:
  contacts:
    keys: [ContactId, InitiationMethod, InitiationTimestamp, LastUpdateTimestamp]
    tables: [contacts, contact_records, ctr]
    once: [ContactId]
    newest: LastUpdateTimestamp
    fields:
      ContactId:
      InitialContactId:
      PreviousContactId:
      InitiationMethod:
      InitiationTimestamp:
      ConnectedToSystemTimestamp:
      DisconnectTimestamp:
      LastUpdateTimestamp:
      TransferCompletedTimestamp:
      Channel:
      Attributes: json
      CustomerEndpoint: {Address: }
      Queue: {Name: , EnqueueTimestamp: , DequeueTimestamp: }
      Agent: {ARN: , Username: , ConnectedToAgentTimestamp: }
settings: {journeys: {bad_ends: [Left the queue]}}
*/
WITH legs AS (
    SELECT
        *,
        coalesce(InitialContactId, ContactId) AS session,
        coalesce(
            Attributes ->> 'customerId', Attributes ->> 'CustomerId', Attributes ->> 'customer_id',
            CustomerEndpoint.Address, 'contact:' || coalesce(InitialContactId, ContactId)
        ) AS customer,
        coalesce(Attributes ->> 'topic', Attributes ->> 'intent') AS intent,
        Queue.EnqueueTimestamp AS queued,
        coalesce(Agent.ConnectedToAgentTimestamp, Queue.DequeueTimestamp, DisconnectTimestamp) AS left_queue,
        Agent.ConnectedToAgentTimestamp AS answered
    FROM contacts
)

SELECT
    customer, session, InitiationTimestamp AS timestamp,
    coalesce(queued, answered, DisconnectTimestamp) AS end_timestamp, 1 AS position, 'bot' AS actor,
    'Bot serves' AS touchpoint, Channel AS channel, intent, NULL::VARCHAR AS resource,
    'front' AS office
FROM legs WHERE InitiationMethod IN ('INBOUND', 'API', 'CALLBACK', 'CHAT', 'MESSAGING')
UNION ALL
SELECT customer, session, queued, left_queue, 2, 'system', 'Queue', Channel, intent, Queue.Name, 'middle'
FROM legs WHERE queued IS NOT NULL
UNION ALL
SELECT customer, session, left_queue, NULL, 3, 'customer', 'Left the queue', Channel, intent, Queue.Name, 'middle'
FROM legs WHERE queued IS NOT NULL AND answered IS NULL
UNION ALL
SELECT
    customer, session, answered, coalesce(TransferCompletedTimestamp, DisconnectTimestamp), 4, 'human',
    'Agent talks', Channel, intent, coalesce(Agent.Username, Agent.ARN), 'front'
FROM legs WHERE answered IS NOT NULL
