package config

import "reflect"

// Secrets are all references to secrets in the daemon's file, so that what they
// refer to can be kept out of everything that is written.
func (d *Daemon) Secrets() []Secret { return secretsIn(reflect.ValueOf(d), nil) }

func secretsIn(v reflect.Value, all []Secret) []Secret {
	switch v.Kind() { //nolint:exhaustive // nothing else holds anything
	case reflect.Pointer:
		if !v.IsNil() {
			return secretsIn(v.Elem(), all)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = secretsIn(v.Index(i), all)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); !f.IsExported() {
				continue
			}
			if s, ok := reflect.TypeAssert[Secret](v.Field(i)); !ok {
				all = secretsIn(v.Field(i), all)
			} else if !s.IsZero() {
				all = append(all, s)
			}
		}
	default:
	}
	return all
}
