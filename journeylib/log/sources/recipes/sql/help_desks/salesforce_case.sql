/*
recipe: salesforce_case
version: 1
title: Salesforce Service Cloud (cases)
export: CaseHistory as CSV; Case beside it (Id, ContactId), which alone says who the customer is.
tells: When a case came, changed hands and status; that an agent accepted it.
lacks: >-
  No words. A bot shows only as an owner whose name has 'bot' in it, and only when it passes the
  case on. Without Case each case counts as a customer of its own.
inputs:
  history:
    keys: [CaseId, CreatedById, CreatedDate, Field, OldValue, NewValue]
    tables: [case_history, CaseHistory]
    once: [Id]
    fields: {Id: , IsDeleted: , CaseId: , CreatedById: , CreatedDate: , Field: , OldValue: , NewValue: }
  cases:
    keys: [Id, CaseNumber, ContactId]
    tables: [case, cases]
    optional: true
    once: [Id]
    fields: {Id: , ContactId: , AccountId: , Origin: , Reason: }
*/
WITH steps AS (
    SELECT
        h.*, coalesce(c.ContactId, c.AccountId, 'case:' || h.CaseId) AS customer, c.Origin AS channel,
        c.Reason AS intent,
        CASE
            WHEN Field = 'created' THEN 'Customer contacts'
            WHEN Field = 'ownerAccepted' THEN 'Agent accepts'
            WHEN Field = 'Owner' AND regexp_matches(OldValue, '\bbot\b', 'i') THEN 'Bot hands over'
            WHEN Field = 'Owner' AND regexp_matches(NewValue, 'queue', 'i') THEN 'Passed to a team'
            WHEN Field = 'Owner' THEN 'Assigned'
            WHEN Field = 'Status' THEN 'Status ' || NewValue
            WHEN Field IN ('closed', 'Closed') THEN 'Closed'
            ELSE Field
        END AS touchpoint
    FROM history AS h LEFT JOIN cases AS c ON c.Id = h.CaseId
)

SELECT
    customer, CaseId AS session, CreatedDate AS timestamp, row_number() OVER (ORDER BY Id) AS position,
    CASE touchpoint WHEN 'Customer contacts' THEN 'customer' WHEN 'Agent accepts' THEN 'human'
        WHEN 'Bot hands over' THEN 'bot' ELSE 'system' END AS actor,
    touchpoint, channel, intent, CreatedById AS resource,
    if(touchpoint IN ('Customer contacts', 'Agent accepts', 'Bot hands over'), 'front', 'back') AS office,
    CASE
        WHEN yes(IsDeleted) THEN 'deleted'
        -- Owner changes are written twice: once by name, once by id.
        WHEN Field = 'Owner' AND regexp_matches(NewValue, '^00[5G][A-Za-z0-9]*$') THEN 'an owner written a second time, by id'
    END AS _left_out,
    CASE WHEN Field NOT IN ('created', 'ownerAccepted', 'Owner', 'Status', 'closed', 'Closed',
        'Priority', 'Type', 'Reason', 'Contact', 'Account', 'ownerEscalated', 'ownerAssignment',
        'locked', 'unlocked', 'feedEvent') THEN Field END AS _unknown
FROM steps
