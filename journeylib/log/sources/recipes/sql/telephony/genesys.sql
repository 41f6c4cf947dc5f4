/*
recipe: genesys
version: 1
title: Genesys Cloud
export: >-
  Conversation details (POST /analytics/conversations/details/query, or the job's result): pages or
  JSON lines.
tells: Bot or IVR, queue, ringing, agents, hold, wrap-up with their times; who left the queue.
lacks: >-
  No words. Outbound previews are left out; internal calls have no customer. Where neither contact
  nor number is written, each conversation counts as a customer of its own.
inputs:
  conversations:
    keys: [conversationId, conversationStart, participants]
    tables: [conversations, conversation_details]
    once: [conversationId]
    newest: conversationEnd
    fields:
      conversationId:
      conversationStart:
      conversationEnd:
      originatingDirection:
      participants:
      - purpose:
        participantId:
        userId:
        externalContactId:
        sessions:
        - mediaType:
          direction:
          ani:
          addressFrom:
          outboundCampaignId:
          flow: {flowName: , exitReason: }
          segments:
          - {segmentStart: , segmentEnd: , segmentType: , disconnectType: , queueId: , wrapUpCode: }
settings: {journeys: {bad_ends: [Left the queue]}}
*/
WITH people AS (
    SELECT
        conversationId AS session, originatingDirection AS direction,
        unnest(participants) AS p, unnest(range(1, coalesce(len(participants), 0) + 1)) AS n
    FROM conversations
),

talks AS (SELECT *, unnest(p.sessions) AS s FROM people),

segments AS (
    SELECT
        session, direction, n, p, s, unnest(s.segments) AS g,
        unnest(range(1, coalesce(len(s.segments), 0) + 1)) AS k
    FROM talks
),

whole AS (
    SELECT
        *,
        coalesce(
            max(p.externalContactId) FILTER (p.purpose IN ('customer', 'external')) OVER w,
            max(coalesce(s.ani, s.addressFrom)) FILTER (p.purpose IN ('customer', 'external')) OVER w,
            'conversation:' || session
        ) AS customer,
        max(g.wrapUpCode) OVER w AS intent,
        bool_or(s.outboundCampaignId IS NOT NULL) OVER w AS campaign,
        CASE
            WHEN p.purpose IN ('customer', 'external') THEN 'Customer contacts'
            WHEN p.purpose IN ('ivr', 'workflow', 'bot', 'botflow', 'voicemail') THEN 'Bot serves'
            WHEN p.purpose = 'acd' THEN 'Queue'
            WHEN p.purpose = 'user' THEN 'Internal call'
            WHEN p.purpose IN ('agent', 'station') THEN CASE g.segmentType
                WHEN 'alert' THEN 'Agent rings'
                WHEN 'interact' THEN 'Agent talks'
                WHEN 'hold' THEN 'On hold'
                WHEN 'wrapup' THEN 'Wrap-up'
            END
        END AS known
    FROM segments
    WINDOW w AS (PARTITION BY session)
)

SELECT
    customer, session, g.segmentStart AS timestamp,
    if(p.purpose IN ('customer', 'external'), NULL, g.segmentEnd) AS end_timestamp,
    n * 1000 + k AS position,
    CASE
        WHEN known = 'Customer contacts' THEN 'customer'
        WHEN known = 'Bot serves' THEN 'bot'
        WHEN known IN ('Agent talks', 'On hold', 'Wrap-up') THEN 'human'
        ELSE 'system'
    END AS actor,
    coalesce(known, p.purpose || ' ' || g.segmentType) AS touchpoint,
    s.mediaType AS channel, intent, coalesce(p.userId, s.flow.flowName, g.queueId) AS resource,
    CASE WHEN known = 'Queue' THEN 'middle' WHEN known IN ('Wrap-up', 'Agent rings') THEN 'back'
        ELSE 'front' END AS office,
    if(campaign AND s.mediaType = 'callback', 'an outbound preview of a campaign', NULL) AS _left_out,
    if(known IS NULL, p.purpose || ' ' || g.segmentType, NULL) AS _unknown
FROM whole
UNION ALL
SELECT
    customer, session, g.segmentEnd, NULL, n * 1000 + 999, 'customer', 'Left the queue',
    s.mediaType, intent, g.queueId, 'middle', NULL, NULL
FROM whole
WHERE known = 'Queue' AND g.disconnectType IN ('peer', 'client', 'endpoint')
    AND NOT (campaign AND s.mediaType = 'callback')
