/*
recipe: salesforce_messaging
version: 1
title: Salesforce Service Cloud (messaging and chat)
export: MessagingSession or LiveChatTranscript, as CSV or a loader's table.
tells: When a session began, was accepted by an agent and ended; who gave up waiting.
lacks: No words, and of a bot only that it took the session first (AgentType).
inputs:
  messaging:
    keys: [Id, AgentType, AcceptTime, StartTime]
    tables: [MessagingSession, messaging_sessions]
    optional: true
    once: [Id]
    fields:
      {Id: , AgentType: , StartTime: , AcceptTime: , EndTime: , EndUserContactId: ,
       MessagingEndUserId: , OwnerId: , ChannelType: , Status: }
  chats:
    keys: [Id, Abandoned, RequestTime, StartTime, EndTime]
    tables: [LiveChatTranscript, live_chat_transcripts]
    optional: true
    once: [Id]
    fields:
      {Id: , Abandoned: , RequestTime: , StartTime: , EndTime: , ContactId: , LiveChatVisitorId: ,
       OwnerId: , Status: }
settings: {journeys: {bad_ends: [Left the queue]}}
*/
WITH talks AS (
    SELECT
        coalesce(EndUserContactId, MessagingEndUserId, 'session:' || Id) AS customer, Id AS session,
        nullif(StartTime, '') AS began, nullif(AcceptTime, '') AS accepted, nullif(EndTime, '') AS ended,
        AgentType IN ('Bot', 'BotToAgent') AS bot, false AS abandoned, OwnerId AS agent,
        coalesce(ChannelType, 'messaging') AS channel
    FROM messaging
    UNION ALL
    SELECT
        coalesce(ContactId, LiveChatVisitorId, 'session:' || Id), Id,
        coalesce(nullif(RequestTime, ''), nullif(StartTime, '')),
        if(coalesce(try_cast(Abandoned AS DOUBLE), 0) > 0, NULL, nullif(StartTime, '')),
        nullif(EndTime, ''), false, coalesce(try_cast(Abandoned AS DOUBLE), 0) > 0, OwnerId, 'chat'
    FROM chats
)

SELECT customer, session, began AS timestamp, NULL::VARCHAR AS end_timestamp, 1 AS position,
    'customer' AS actor, 'Customer contacts' AS touchpoint, channel, NULL::VARCHAR AS resource,
    'front' AS office
FROM talks
UNION ALL
SELECT customer, session, began, accepted, 2, 'bot', 'Bot serves', channel, NULL, 'front'
FROM talks WHERE bot
UNION ALL
SELECT customer, session, accepted, ended, 3, 'human', 'Agent talks', channel, agent, 'front'
FROM talks WHERE accepted IS NOT NULL
UNION ALL
SELECT customer, session, ended, NULL, 4, 'customer', 'Left the queue', channel, NULL, 'middle'
FROM talks WHERE abandoned AND ended IS NOT NULL
