"""One component of every type that the org knows, as our package will hold them, in one package that deploys."""

from __future__ import annotations

from tests.emulators.metadata.deploying import XMLNS


def xml(root: str, inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {XMLNS}>{inner}</{root}>\n'


def app_part(kind: str, inner: str) -> str:
    return xml(kind, f"<externalClientApplication>Sync_App</externalClientApplication><label>{kind}</label>{inner}")


PAGE = """<apex:page standardController="Contact" docType="html-5.0">
  <apex:canvasApp developerName="Sync_App" parameters="{'view':'panel'}" height="300px"/>
</apex:page>
"""
PAGE_META = xml(
    "ApexPage", "<apiVersion>67.0</apiVersion><availableInTouch>true</availableInTouch><label>Panel</label>"
)
KEY = """<fields><fullName>Key__c</fullName><externalId>true</externalId><label>Key</label><length>40</length>
  <type>Text</type><unique>true</unique></fields>"""
LOG = xml(
    "CustomObject",
    """<deploymentStatus>Deployed</deploymentStatus><enableReports>true</enableReports>
  <fields><fullName>Contact__c</fullName><label>Contact</label><referenceTo>Contact</referenceTo>
    <relationshipName>Sync_Logs</relationshipName><type>Lookup</type></fields>
  <fields><fullName>Level__c</fullName><label>Level</label><type>Picklist</type><valueSet><restricted>true</restricted>
    <valueSetDefinition><sorted>false</sorted>
      <value><fullName>Debug</fullName><default>true</default><label>Debug</label></value>
      <value><fullName>Error</fullName><default>false</default><label>Error</label></value>
    </valueSetDefinition></valueSet></fields>
  <label>Sync Log</label>
  <listViews><fullName>Errors</fullName><columns>NAME</columns><columns>Level__c</columns>
    <filterScope>Everything</filterScope>
    <filters><field>Level__c</field><operation>equals</operation><value>Error</value></filters>
    <label>Errors</label></listViews>
  <nameField><displayFormat>L-{00000}</displayFormat><label>Number</label><type>AutoNumber</type></nameField>
  <pluralLabel>Sync Logs</pluralLabel><sharingModel>ReadWrite</sharingModel>""",
)
CONTACT = xml(
    "CustomObject",
    f"""<compactLayouts><fullName>Sync</fullName><fields>Name</fields><fields>Key__c</fields><label>Sync</label>
  </compactLayouts>{KEY}
  <webLinks><fullName>Unlink</fullName><availability>online</availability><displayType>button</displayType>
    <linkType>page</linkType><masterLabel>Unlink</masterLabel><openType>sidebar</openType><page>Panel</page>
    <protected>false</protected></webLinks>""",
)
FILES: dict[str, str | bytes] = {
    "objects/Sync_Log__c.object": LOG,
    "objects/Contact.object": CONTACT,
    "pages/Panel.page": PAGE,
    "pages/Panel.page-meta.xml": PAGE_META,
    "tabs/Sync.tab": xml("CustomTab", "<label>Sync</label><motif>Custom57: Desert</motif><page>Panel</page>"),
    "tabs/Sync_Log__c.tab": xml("CustomTab", "<customObject>true</customObject><motif>Custom20: Airplane</motif>"),
    "quickActions/Contact.Sync_Now.quickAction": xml(
        "QuickAction",
        "<height>250</height><label>Sync Now</label><optionsCreateFeedItem>false</optionsCreateFeedItem>"
        "<page>Panel</page><type>VisualforcePage</type><width>100</width>",
    ),
    "flexipages/Contact_Sync.flexipage": xml(
        "FlexiPage",
        """<flexiPageRegions><itemInstances><componentInstance><componentInstanceProperties><name>pageName</name>
  <value>Panel</value></componentInstanceProperties><componentName>flexipage:visualforcePage</componentName>
  <identifier>panel</identifier></componentInstance></itemInstances><name>main</name><type>Region</type>
  </flexiPageRegions><masterLabel>Contact Sync</masterLabel><sobjectType>Contact</sobjectType>
  <template><name>flexipage:recordHomeTemplateDesktop</name></template><type>RecordPage</type>""",
    ),
    "applications/Sync.app": xml(
        "CustomApplication",
        "<formFactors>Large</formFactors><label>Sync</label><navType>Standard</navType><tabs>standard-Contact</tabs>"
        "<tabs>Sync</tabs><uiType>Lightning</uiType>",
    ),
    "reportTypes/Sync_Results.reportType": xml(
        "ReportType",
        """<baseObject>Sync_Log__c</baseObject><category>other</category><deployed>true</deployed>
  <label>Sync Results</label><sections><columns><checkedByDefault>true</checkedByDefault><field>Level__c</field>
  <table>Sync_Log__c</table></columns><masterLabel>Logs</masterLabel></sections>""",
    ),
    "reports/Sync-meta.xml": xml("ReportFolder", "<accessType>Public</accessType><name>Sync</name>"),
    "reports/Sync/Batch.report": xml(
        "Report",
        "<columns><field>Sync_Log__c$Level__c</field></columns><format>Tabular</format><name>Batch</name>"
        "<reportType>Sync_Results__c</reportType><scope>organization</scope>",
    ),
    "platformEventChannels/Sync__chn.platformEventChannel": xml(
        "PlatformEventChannel", "<channelType>data</channelType><label>Sync</label>"
    ),
    "platformEventChannelMembers/Sync_chn_ContactChangeEvent.platformEventChannelMember": xml(
        "PlatformEventChannelMember",
        "<eventChannel>Sync__chn</eventChannel><selectedEntity>ContactChangeEvent</selectedEntity>",
    ),
    "cspTrustedSites/Sync.cspTrustedSite": xml(
        "CspTrustedSite",
        "<context>All</context><endpointUrl>https://sync.example.com</endpointUrl><isActive>true</isActive>"
        "<isApplicableToFrameSrc>true</isApplicableToFrameSrc>",
    ),
    "remoteSiteSettings/Sync.remoteSite": xml(
        "RemoteSiteSetting",
        "<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive>"
        "<url>https://sync.example.com</url>",
    ),
    "externalClientApps/Sync_App.eca": xml(
        "ExternalClientApplication",
        "<contactEmail>it@example.org</contactEmail><distributionState>Local</distributionState>"
        "<isProtected>false</isProtected><label>Sync App</label>",
    ),
    "extlClntAppGlobalOauthSets/Sync_App_glbloauth.ecaGlblOauth": app_part(
        "ExtlClntAppGlobalOauthSettings",
        "<callbackUrl>https://sync.example.com/callback</callbackUrl><isConsumerSecretOptional>false"
        "</isConsumerSecretOptional><isPkceRequired>true</isPkceRequired>",
    ),
    "extlClntAppOauthSettings/Sync_App_oauth.ecaOauth": app_part(
        "ExtlClntAppOauthSettings", "<commaSeparatedOauthScopes>Api, RefreshToken</commaSeparatedOauthScopes>"
    ),
    "extlClntAppCanvasSettings/Sync_App_canvas.ecaCanvas": app_part(
        "ExtlClntAppCanvasSettings",
        "<accessMethod>Post</accessMethod><canvasLocationOptions>Visualforce</canvasLocationOptions>"
        "<canvasUrl>https://sync.example.com/canvas</canvasUrl>",
    ),
    "extlClntAppPolicies/Sync_App_plcy.ecaPlcy": app_part(
        "ExtlClntAppConfigurablePolicies", "<isEnabled>true</isEnabled><startPage>None</startPage>"
    ),
    "extlClntAppOauthPolicies/Sync_App_oauthPlcy.ecaOauthPlcy": app_part(
        "ExtlClntAppOauthConfigurablePolicies",
        "<commaSeparatedPermissionSet>Sync</commaSeparatedPermissionSet>"
        "<permittedUsersPolicyType>AdminApprovedPreAuthorized</permittedUsersPolicyType>",
    ),
    "permissionsets/Sync.permissionset": xml(
        "PermissionSet",
        """<fieldPermissions><editable>true</editable><field>Contact.Key__c</field><readable>true</readable>
  </fieldPermissions><label>Sync</label>
  <objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>
  <allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Sync_Log__c</object>
  <viewAllRecords>true</viewAllRecords></objectPermissions>
  <pageAccesses><apexPage>Panel</apexPage><enabled>true</enabled></pageAccesses>
  <tabSettings><tab>Sync</tab><visibility>Visible</visibility></tabSettings>""",
    ),
}
TYPES = {
    "ApexPage": ["Panel"],
    "CompactLayout": ["Contact.Sync"],
    "CspTrustedSite": ["Sync"],
    "CustomApplication": ["Sync"],
    "CustomField": ["Contact.Key__c"],
    "CustomObject": ["Sync_Log__c"],
    "CustomTab": ["Sync", "Sync_Log__c"],
    "ExternalClientApplication": ["Sync_App"],
    "ExtlClntAppCanvasSettings": ["Sync_App_canvas"],
    "ExtlClntAppConfigurablePolicies": ["Sync_App_plcy"],
    "ExtlClntAppGlobalOauthSettings": ["Sync_App_glbloauth"],
    "ExtlClntAppOauthConfigurablePolicies": ["Sync_App_oauthPlcy"],
    "ExtlClntAppOauthSettings": ["Sync_App_oauth"],
    "FlexiPage": ["Contact_Sync"],
    "PermissionSet": ["Sync"],
    "PlatformEventChannel": ["Sync__chn"],
    "PlatformEventChannelMember": ["Sync_chn_ContactChangeEvent"],
    "QuickAction": ["Contact.Sync_Now"],
    "RemoteSiteSetting": ["Sync"],
    "Report": ["Sync", "Sync/Batch"],
    "ReportType": ["Sync_Results"],
    "WebLink": ["Contact.Unlink"],
}
