package original

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"

	"github.com/maisonrmi/sopd/internal/access"
)

// codec is the first byte of a packed original: which dictionary it was packed with.
const codec = 1

// maxBytes bounds what a packed original may unpack to: a vendor's answer is no larger.
const maxBytes = 64 << 20

// Packer compresses originals. It keeps what compressing needs, 1 MB for each that is at it. The zero value is ready, and safe
// for concurrent use.
type Packer struct{ writers sync.Pool }

// Pack compresses the bytes of an original. An issue of 6 KB becomes about 1 KB.
//
// Errors: [access.ErrInvalid] for more than 64 MB.
func (p *Packer) Pack(text []byte) ([]byte, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("original of %d bytes: %w", len(text), access.ErrInvalid)
	}
	out := bytes.NewBuffer([]byte{codec})
	w, err := p.writer(out)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("original cannot be packed: %w", access.ErrInvalid)
	}
	p.writers.Put(w)
	return out.Bytes(), nil
}

func (p *Packer) writer(out io.Writer) (*flate.Writer, error) {
	if w, ok := p.writers.Get().(*flate.Writer); ok {
		w.Reset(out)
		return w, nil
	}
	return flate.NewWriterDict(out, flate.DefaultCompression, []byte(dictionary))
}

// Unpack returns what was packed.
//
// Errors: [access.ErrMalformed] for bytes that [Pack] did not write.
func Unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 || packed[0] != codec {
		return nil, fmt.Errorf("original is packed in an unknown way: %w", access.ErrMalformed)
	}
	r := flate.NewReaderDict(bytes.NewReader(packed[1:]), []byte(dictionary))
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil || len(text) > maxBytes {
		return nil, fmt.Errorf("original cannot be unpacked: %w", access.ErrMalformed)
	}
	return text, nil
}

// dictionary holds what originals have in common, the most frequent last. It can never change: packed originals need it. A
// better one is another codec.
const dictionary = `{"approver":{"accountId":"","emailAddress":"","displayName":"","active":true,"timeZone":"Etc/UTC","_links":{"jiraRest":"","self":""}},"approverDecision":"approved"}],` +
	`"canAnswerApproval":false,"finalDecision":"approved","createdDate":{"iso8601":"","jira":"","friendly":"","epochMillis":},"completedDate":{` +
	`{"actor":{"id":"","type":"PublicClientApp","alternateId":"","displayName":"","detailEntry":null},"client":{"userAgent":{"rawUserAgent":"","os":"","browser":""},` +
	`"zone":"null","device":"Unknown","id":null,"ipAddress":"","geographicalContext":{"city":null,"state":null,"country":null,"postalCode":null,"geolocation":null}},"device":null,` +
	`"authenticationContext":{"authenticationProvider":null,"credentialProvider":null,"credentialType":null,"issuer":null,"interface":null,"authenticationStep":0,"rootSessionId":"","externalSessionId":""},` +
	`"displayMessage":"Add user to group membership","eventType":"group.user_membership.add","outcome":{"result":"SUCCESS","reason":null},"published":"","securityContext":{"asNumber":null,"asOrg":null,"isp":null,` +
	`"domain":null,"isProxy":null},"severity":"INFO","debugContext":{"debugData":{"requestId":"","dtHash":"","requestUri":"/api/v1/groups/","url":""}},"legacyEventType":"core.user_group_member.user_add",` +
	`"transaction":{"type":"WEB","id":"","detail":{}},"uuid":"","version":"0","request":{"ipChain":[{"ip":"","geographicalContext":null,"version":"V4","source":null}]},"target":[{"id":"00u","type":"User",` +
	`"alternateId":"","displayName":"","detailEntry":null},{"id":"00g","type":"UserGroup","alternateId":"unknown",` +
	`"changelog":{"startAt":0,"maxResults":100,"total":,"histories":[{"id":"","author":{"self":"https://","accountId":"","emailAddress":"","avatarUrls":{"48x48":"","24x24":"","16x16":"","32x32":"https://secure.gravatar.com/avatar/"},` +
	`"displayName":"","active":true,"timeZone":"Etc/UTC","accountType":"atlassian"},"created":"2026-","items":[{"field":"status","fieldtype":"jira","fieldId":"status","from":"","fromString":"","to":"","toString":""}]},` +
	`{"expand":"operations,versionedRepresentations,editmeta,changelog,renderedFields","id":"","self":"https://.atlassian.net/rest/api/2/issue/","key":"","fields":{"summary":"","issuetype":{"self":"","id":"","description":"",` +
	`"iconUrl":"","name":"","subtask":false,"avatarId":,"hierarchyLevel":0},"project":{"self":"","id":"","key":"","name":"","projectTypeKey":"service_desk","simplified":false,"avatarUrls":{},` +
	`"status":{"self":"","description":"","iconUrl":"","name":"","id":"","statusCategory":{"self":"","id":,"key":"done","colorName":"green","name":"Done"}},"reporter":{"self":"https://.atlassian.net/rest/api/2/user?accountId=` +
	`","accountId":"","emailAddress":"","avatarUrls":{"48x48":"","24x24":"","16x16":"","32x32":""},"displayName":"","active":true,"timeZone":"","accountType":"atlassian"},"assignee":null,"created":"","updated":"","resolutiondate":null,` +
	`"priority":{"self":"","iconUrl":"","name":"Medium","id":"3"},"labels":[],"issuelinks":[],"attachment":[],"customfield_10`
