/*
recipe: qualtrics
version: 1
title: Qualtrics
export: Responses as CSV (Data and Analysis, Export), with external reference or recipient's mail.
tells: Who answered a survey when, and the answer to its NPS question.
lacks: >-
  Only answers: beside another log they are outcomes, so that the customer's id must be the same.
  Times state no zone: set roles.timezone.
inputs:
  responses:
    keys: [StartDate, RecordedDate, ResponseId, DistributionChannel]
    tables: [responses]
    once: [ResponseId]
    fields:
      {StartDate: , EndDate: , RecordedDate: , ResponseId: , RecipientEmail: , ExternalReference: ,
       DistributionChannel: , row: row}
*/
WITH named AS (
    SELECT
        *,
        list_filter(json_keys("row"), lambda k: k LIKE '%\_NPS\_GROUP' ESCAPE '\')[1] AS grouped,
        StartDate = 'Start Date' OR starts_with(StartDate, '{') AS header
    FROM responses
)

SELECT
    coalesce(nullif(ExternalReference, ''), nullif(RecipientEmail, ''), 'response:' || ResponseId) AS customer,
    ResponseId AS session,
    coalesce(nullif(RecordedDate, ''), EndDate) AS timestamp,
    'customer' AS actor,
    'Survey answered' AS touchpoint,
    DistributionChannel AS channel,
    try_cast(json_extract_string("row", '/' || replace(grouped, '_NPS_GROUP', '')) AS DOUBLE) AS rating,
    if(header, 'a line of the header', NULL) AS _left_out
FROM named
